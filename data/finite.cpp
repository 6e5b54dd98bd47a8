#include "data/finite.h"

#include <fmt/core.h>

#include <cmath>

#include "engine/base/error.h"

namespace firn {

std::size_t first_non_finite(std::span<const real> values) {
  // The difference from itself is 0 but for NaN and infinities; a sum of few lanes hides none of them.
  constexpr std::size_t kLanes = 16;
  real lanes[kLanes] = {};
  std::size_t i = 0;
  for (; i + kLanes <= values.size(); i += kLanes) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) lanes[lane] += values[i + lane] - values[i + lane];
  }
  bool finite = true;
  for (const real lane : lanes) finite = finite && lane == 0;
  for (; i < values.size(); ++i) finite = finite && std::isfinite(values[i]);
  if (finite) return values.size();
  std::size_t at = 0;
  while (std::isfinite(values[at])) ++at;
  return at;
}

void require_finite(const DataInfo& info, Index i, std::span<const real> values) {
  const std::size_t at = first_non_finite(values);
  if (at == values.size()) return;
  throw Error(
      Fault::data, "data",
      fmt::format(
          "{}: sample {} (counted from 0) holds {} in the place of number {} of {}; finite numbers are "
          "wanted",
          info.name, i, values[at], at, info.shape.text()));
}

}  // namespace firn
