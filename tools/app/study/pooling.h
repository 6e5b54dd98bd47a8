// One answer over several data sets: a random-effects model.
#pragma once

#include <optional>
#include <span>

#include "tools/app/study/statistics.h"

namespace firn::cli {

/// What independent sets say together.
struct Pooled {
  Index sets = 0;
  Estimate effect;      ///< of a set on average
  double tau = 0;       ///< deviation between sets beyond their own errors
  Interval prediction;  ///< where the effect of another such set lies, at 95 %
};

/// y_i ~ N(theta_i, error_i^2), theta_i ~ N(mu, tau^2): tau by restricted maximum likelihood (Fisher scoring
/// from the method of moments; Viechtbauer 2005), the error of mu by Hartung and Knapp (2001; never less than
/// 1/sqrt(sum of weights), as Roever 2015), Student's with k - 1 degrees; prediction with sqrt(tau^2 +
/// error^2) and k - 2 (Higgins 2009), so of three sets at least. Nothing of fewer than two.
std::optional<Pooled> pool(std::span<const Estimate> sets);

}  // namespace firn::cli
