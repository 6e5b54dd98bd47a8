// The sums of a matrix unit, one product after the other.
#pragma once

#include <cfloat>
#include <cmath>

#include "engine/kernels/matrix_unit.h"

namespace firn::naive {

inline float flushed(float x) {
  return x > -FLT_MIN && x < FLT_MIN ? x * 0 : x;
}

/// A sum that takes its products one after the other and rounds as the unit does.
class UnitSum {
 public:
  void add(float a, float b) {
    float& part = count_++ % 2 == 0 ? even_ : odd_;
    part = flushed(std::fma(a, b, part));
    if (count_ == kUnitDepth) end_step();
  }
  /// What is missing in the step are zeros.
  void end_step() {
    total_ = flushed(total_ + flushed(even_ + odd_));
    even_ = odd_ = 0;
    count_ = 0;
  }
  void fill_up() {
    if (count_ > 0) end_step();
  }
  float total() const { return total_; }

 private:
  float total_ = 0, even_ = 0, odd_ = 0;
  Index count_ = 0;
};

}  // namespace firn::naive
