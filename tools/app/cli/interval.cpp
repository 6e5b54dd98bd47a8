#include "tools/app/cli/interval.h"

#include <algorithm>
#include <cmath>

namespace firn::cli {

Interval wilson_interval(double share, Index n) {
  constexpr double kZ = 1.959963984540054;
  if (n <= 0) return {0, 1};
  const auto count = static_cast<double>(n);
  const double scale = 1 / (1 + kZ * kZ / count);
  const double middle = scale * (share + kZ * kZ / (2 * count));
  const double half = scale * kZ * std::sqrt(share * (1 - share) / count + kZ * kZ / (4 * count * count));
  return {std::max(0.0, middle - half), std::min(1.0, middle + half)};
}

}  // namespace firn::cli
