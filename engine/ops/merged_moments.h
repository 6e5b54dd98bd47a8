// Mean and squared differences of a whole, from those of its parts.
#pragma once

#include "engine/base/real.h"

namespace firn {

/// In double, as Chan, Golub and LeVeque 1979, equation 2.1: a mean far from zero, many parts and counts
/// beyond what a float holds take nothing from the variance.
struct MergedMoments {
  double count = 0, mean = 0;
  double m2 = 0;  ///< sum of squared differences from the mean

  void add(Index rows, double part_mean, double part_m2) {
    const auto n = static_cast<double>(rows);
    const double delta = part_mean - mean;
    const double share = n / (count + n);
    mean += delta * share;
    m2 += part_m2 + delta * delta * (count * share);
    count += n;
  }
};

}  // namespace firn
