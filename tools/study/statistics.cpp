#include "tools/study/statistics.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

#include "engine/base/rng.h"

namespace firn::cli {

namespace {

constexpr std::uint64_t kSeed = 1979;

/// P(0 <= T <= t), by Simpson's rule.
double student_share(double t, int degrees) {
  constexpr int kParts = 4000;
  const double nu = degrees;
  const double scale =
      std::exp(std::lgamma((nu + 1) / 2) - std::lgamma(nu / 2)) / std::sqrt(nu * std::numbers::pi);
  const auto density = [&](double x) { return scale * std::pow(1 + x * x / nu, -(nu + 1) / 2); };
  double total = density(0) + density(t);
  for (int i = 1; i < kParts; ++i) total += (i % 2 == 1 ? 4 : 2) * density(t * i / kParts);
  return total * t / kParts / 3;
}

/// The value at a share of a sorted list, between two of them a straight line.
double percentile(const std::vector<double>& sorted, double share) {
  const double at = share * static_cast<double>(sorted.size() - 1);
  const auto low = static_cast<std::size_t>(at);
  const std::size_t high = std::min(low + 1, sorted.size() - 1);
  return sorted[low] + (at - static_cast<double>(low)) * (sorted[high] - sorted[low]);
}

}  // namespace

double mean_of(std::span<const double> values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

double deviation_of(std::span<const double> values) {
  if (values.size() < 2) return 0;
  const double mean = mean_of(values);
  double squares = 0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  return std::sqrt(squares / static_cast<double>(values.size() - 1));
}

std::vector<double> paired(std::span<const double> a, std::span<const double> b) {
  std::vector<double> differences(a.size());
  std::transform(a.begin(), a.end(), b.begin(), differences.begin(), std::minus<>());
  return differences;
}

double normal_share(double z) {
  return 0.5 * std::erfc(-z / std::numbers::sqrt2);
}

double student_quantile(double p, int degrees) {
  double low = 0, high = 1;
  while (student_share(high, degrees) < p - 0.5 && high < 1e6) high *= 2;
  for (int i = 0; i < 60; ++i) {
    const double middle = (low + high) / 2;
    (student_share(middle, degrees) < p - 0.5 ? low : high) = middle;
  }
  return (low + high) / 2;
}

const std::vector<std::uint8_t>& Bootstrap::draws(std::size_t n) {
  const auto [at, fresh] = draws_.try_emplace(n);
  if (!fresh) return at->second;
  at->second.assign(kResamples * n, 0);
  Random random(kSeed, "bootstrap", n);
  for (std::size_t resample = 0; resample < kResamples; ++resample) {
    for (std::size_t i = 0; i < n; ++i)
      ++at->second[resample * n + random.below(static_cast<std::uint32_t>(n))];
  }
  return at->second;
}

Interval Bootstrap::mean(std::span<const double> values, double level) {
  const std::size_t n = values.size();
  if (n == 1) return {values[0], values[0]};
  const auto [tail, fresh] = tails_.try_emplace({n, level});
  if (fresh) {
    const auto degrees = static_cast<int>(n) - 1;
    tail->second.t = student_quantile(0.5 + level / 2, degrees);
    tail->second.share = normal_share(-tail->second.t * std::sqrt(static_cast<double>(n) / degrees));
  }
  if (tail->second.share < std::pow(static_cast<double>(n), -static_cast<double>(n))) {
    const double half = tail->second.t * deviation_of(values) / std::sqrt(static_cast<double>(n));
    return {mean_of(values) - half, mean_of(values) + half};
  }
  const std::vector<std::uint8_t>& counts = draws(n);
  std::vector<double> means(kResamples);
  for (std::size_t resample = 0; resample < kResamples; ++resample) {
    double total = 0;
    for (std::size_t i = 0; i < n; ++i) total += counts[resample * n + i] * values[i];
    means[resample] = total / static_cast<double>(n);
  }
  std::sort(means.begin(), means.end());
  return {percentile(means, tail->second.share), percentile(means, 1 - tail->second.share)};
}

void Calibration::add(double confidence, bool right) {
  const int bin = std::clamp(static_cast<int>(confidence * kBins), 0, kBins - 1);
  Bin& b = bins_[static_cast<std::size_t>(bin)];
  b.confidence += confidence;
  b.right += right ? 1 : 0;
  ++b.samples;
}

double Calibration::error() const {
  double total = 0;
  Index samples = 0;
  for (const Bin& bin : bins_) {
    total += std::abs(static_cast<double>(bin.right) - bin.confidence);
    samples += bin.samples;
  }
  return samples > 0 ? total / static_cast<double>(samples) : 0;
}

std::string finding(const Interval& difference, bool more_is_better) {
  if (difference.above(0)) return more_is_better ? "better" : "worse";
  if (difference.below(0)) return more_is_better ? "worse" : "better";
  return "no difference seen";
}

}  // namespace firn::cli
