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
  explicit UnitSum(const MatrixUnit& unit) : in_pairs_(unit.in_pairs) {}
  void add(float a, float b) {
    if (in_pairs_) {
      add_in_pairs(a, b);
    } else {
      float& part = count_ % 2 == 0 ? even_ : odd_;
      part = flushed(std::fma(a, b, part));
    }
    if (++count_ == kUnitDepth) end_step();
  }
  /// What is missing in the step are zeros.
  void fill_up() {
    while (in_pairs_ && count_ > 0) add(0, 0);
    if (count_ > 0) end_step();
  }
  float total() const { return total_; }

 private:
  void add_in_pairs(float a, float b) {
    if (count_ % 2 == 0) {
      first_a_ = a;
      first_b_ = b;
    } else {
      total_ = flushed(std::fma(a, b, total_));
      total_ = flushed(std::fma(first_a_, first_b_, total_));
    }
  }
  void end_step() {
    if (!in_pairs_) total_ = flushed(total_ + flushed(even_ + odd_));
    even_ = odd_ = 0;
    count_ = 0;
  }

  const bool in_pairs_;
  float total_ = 0, even_ = 0, odd_ = 0, first_a_ = 0, first_b_ = 0;
  Index count_ = 0;
};

}  // namespace firn::naive
