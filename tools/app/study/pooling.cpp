#include "tools/app/study/pooling.h"

#include <algorithm>
#include <cmath>

namespace firn::cli {

namespace {

/// Weights 1 / (error^2 + tau^2), their sum, and the mean by them.
struct Weighed {
  std::vector<double> weights;
  double sum = 0, mean = 0;
};

Weighed weigh(std::span<const Estimate> sets, double tau2) {
  constexpr double kLeast = 1e-20;
  Weighed w;
  for (const Estimate& set : sets) {
    w.weights.push_back(1 / std::max(kLeast, set.error * set.error + tau2));
    w.sum += w.weights.back();
    w.mean += w.weights.back() * set.mean;
  }
  w.mean /= w.sum;
  return w;
}

/// One step of Fisher's scoring for the restricted likelihood; negative values are none.
double next_tau2(std::span<const Estimate> sets, double tau2) {
  const Weighed w = weigh(sets, tau2);
  double squares = 0, cubes = 0, distance = 0;
  for (std::size_t i = 0; i < sets.size(); ++i) {
    const double from = sets[i].mean - w.mean, weight = w.weights[i];
    squares += weight * weight;
    cubes += weight * weight * weight;
    distance += weight * weight * from * from;
  }
  const double trace = w.sum - squares / w.sum;
  const double information = squares - 2 * cubes / w.sum + squares * squares / (w.sum * w.sum);
  return std::max(0.0, tau2 + (distance - trace) / information);
}

}  // namespace

std::optional<Pooled> pool(std::span<const Estimate> sets) {
  if (sets.size() < 2) return std::nullopt;
  const auto k = static_cast<double>(sets.size());
  double tau2 = 0;
  {
    double mean = 0, squares = 0, errors = 0;
    for (const Estimate& set : sets) mean += set.mean / k;
    for (const Estimate& set : sets) {
      squares += (set.mean - mean) * (set.mean - mean) / (k - 1);
      errors += set.error * set.error / k;
    }
    tau2 = std::max(0.0, squares - errors);
  }
  constexpr int kMostSteps = 200;
  for (int step = 0; step < kMostSteps; ++step) {
    const double next = next_tau2(sets, tau2);
    const bool still = std::abs(next - tau2) <= 1e-14 + 1e-10 * tau2;
    tau2 = next;
    if (still) break;
  }
  const Weighed w = weigh(sets, tau2);
  double spread = 0;
  for (std::size_t i = 0; i < sets.size(); ++i) {
    const double from = sets[i].mean - w.mean;
    spread += w.weights[i] * from * from;
  }
  Pooled pooled;
  pooled.sets = static_cast<Index>(sets.size());
  pooled.tau = std::sqrt(tau2);
  pooled.effect = {w.mean, std::sqrt(std::max(1.0, spread / (k - 1)) / w.sum), k - 1};
  pooled.prediction = {w.mean, w.mean};
  if (sets.size() > 2) {
    const double error = std::sqrt(tau2 + pooled.effect.error * pooled.effect.error);
    pooled.prediction = Estimate{w.mean, error, k - 2}.interval();
  }
  return pooled;
}

}  // namespace firn::cli
