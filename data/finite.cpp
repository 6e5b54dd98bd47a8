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

void require_finite(const Dataset& data, Index i, std::span<const real> values) {
  const std::size_t at = first_non_finite(values);
  if (at == values.size()) return;
  throw Error(Fault::data, "data",
              fmt::format("{} holds {} in the place of number {} of {}; finite numbers are wanted",
                          data.place(i), values[at], at, data.info().shape.text()));
}

void require_finite_prepared(const Dataset& data, Index i, std::span<const real> values,
                             std::vector<real>& raw) {
  const std::size_t at = first_non_finite(values);
  if (at == values.size()) return;
  raw.resize(static_cast<std::size_t>(data.info().shape.count()));
  data.fill_numbers(i, raw);
  require_finite(data, i, {raw.data(), values.size()});
  throw Error(
      Fault::data, "data",
      fmt::format("{} holds {:g} in the place of number {} of {}, which is {} when prepared: far from what "
                  "the others are",
                  data.place(i), raw[at], at, data.info().shape.text(), values[at]));
}

}  // namespace firn
