// Numbers in short: what a tensor's values are like.
#pragma once

#include <string>
#include <vector>

#include "engine/base/real.h"
#include "engine/tensor/shape.h"

namespace firn::cli {

/// Of the numbers that are none of those that do not train (NaN).
struct ValueSpread {
  double mean = 0, deviation = 0, least = 0, most = 0, zeros = 0;  ///< zeros: their share
  double norm = 0;                                                 ///< the 2-norm
  Index count = 0;
};
ValueSpread spread_of(const std::vector<real>& numbers);

/// Four digits.
std::string short_text(double x);

/// Rows of the last axis, one a line; "-" for what is no number.
std::string number_rows(const Shape& shape, const std::vector<real>& numbers);

}  // namespace firn::cli
