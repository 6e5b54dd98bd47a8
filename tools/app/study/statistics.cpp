#include "tools/app/study/statistics.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

namespace firn::cli {

namespace {

/// The regularised incomplete beta function I_x(a, b), by its continued fraction (Lentz's way to sum it).
double beta_share(double x, double a, double b) {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  // The fraction converges quickly on this side of the mean.
  if (x > (a + 1) / (a + b + 2)) return 1 - beta_share(1 - x, b, a);
  constexpr int kMostTerms = 500;
  constexpr double kTiny = 1e-300, kConverged = 1e-15;
  const auto away = [](double value) { return std::abs(value) < kTiny ? kTiny : value; };
  double c = 1, d = 1 / away(1 - (a + b) * x / (a + 1)), sum = d;
  for (int m = 1; m <= kMostTerms; ++m) {
    const double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / away(1 + even * d);
    c = away(1 + even / c);
    sum *= c * d;
    const double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / away(1 + odd * d);
    c = away(1 + odd / c);
    sum *= c * d;
    if (std::abs(c * d - 1) < kConverged) break;
  }
  const double scale =
      std::lgamma(a + b) - std::lgamma(a) - std::lgamma(b) + a * std::log(x) + b * std::log1p(-x);
  return std::exp(scale) * sum / a;
}

/// Mean squares of a two-way table.
struct Squares {
  double mean = 0, seeds = 0, items = 0, rest = 0;
};

Squares squares_of(std::span<const float> values, std::size_t seeds, std::size_t items) {
  const auto s = static_cast<double>(seeds), n = static_cast<double>(items);
  std::vector<double> of_seed(seeds), of_item(items);
  double all = 0, total = 0;
  for (std::size_t i = 0; i < seeds; ++i) {
    for (std::size_t j = 0; j < items; ++j) {
      const double value = static_cast<double>(values[i * items + j]);
      of_seed[i] += value;
      of_item[j] += value;
      all += value;
    }
  }
  Squares q;
  q.mean = all / (s * n);
  for (std::size_t i = 0; i < seeds * items; ++i) {
    const double from = static_cast<double>(values[i]) - q.mean;
    total += from * from;
  }
  for (const double sum : of_seed) q.seeds += (sum / n - q.mean) * (sum / n - q.mean) * n;
  for (const double sum : of_item) q.items += (sum / s - q.mean) * (sum / s - q.mean) * s;
  q.rest = std::max(0.0, total - q.seeds - q.items) / ((s - 1) * (n - 1));
  q.seeds /= s - 1;
  q.items /= n - 1;
  return q;
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

double student_share(double t, double degrees) {
  const double tail = beta_share(degrees / (degrees + t * t), degrees / 2, 0.5) / 2;
  return t < 0 ? tail : 1 - tail;
}

double student_quantile(double p, double degrees) {
  double low = 0, high = 1;
  while (student_share(high, degrees) < p && high < 1e12) high *= 2;
  for (int i = 0; i < 100; ++i) {
    const double middle = (low + high) / 2;
    (student_share(middle, degrees) < p ? low : high) = middle;
  }
  return (low + high) / 2;
}

Interval Estimate::interval(double level) const {
  if (!(degrees > 0) || error == 0) return {mean, mean};
  const double half = student_quantile(0.5 + level / 2, degrees) * error;
  return {mean - half, mean + half};
}

double Estimate::p() const {
  if (!(degrees > 0)) return 1;
  if (error == 0) return mean == 0 ? 1 : 0;
  return std::min(1.0, 2 * student_share(-std::abs(mean) / error, degrees));
}

Estimate estimate(std::span<const double> values) {
  const auto n = static_cast<double>(values.size());
  return {mean_of(values), deviation_of(values) / std::sqrt(n), n - 1};
}

Estimate estimate(std::span<const float> values, std::size_t seeds, std::size_t items) {
  if (seeds < 2 || items < 2) {
    std::vector<double> means(seeds);
    for (std::size_t i = 0; i < seeds; ++i) {
      for (std::size_t j = 0; j < items; ++j)
        means[i] += static_cast<double>(values[i * items + j]) / static_cast<double>(items);
    }
    return estimate(means);
  }
  const Squares q = squares_of(values, seeds, items);
  const auto s = static_cast<double>(seeds), n = static_cast<double>(items);
  const double sum = q.seeds + q.items - q.rest;
  if (sum <= q.seeds) return {q.mean, std::sqrt(q.seeds / (s * n)), s - 1};
  const double degrees =
      sum * sum /
      (q.seeds * q.seeds / (s - 1) + q.items * q.items / (n - 1) + q.rest * q.rest / ((s - 1) * (n - 1)));
  return {q.mean, std::sqrt(sum / (s * n)), std::max(s - 1, degrees)};
}

Spread spread(std::span<const float> values, std::size_t seeds, std::size_t items) {
  if (seeds < 2 || items < 2) return {};
  const Squares q = squares_of(values, seeds, items);
  return {std::max(0.0, q.seeds - q.rest) / static_cast<double>(items),
          std::max(0.0, q.items - q.rest) / static_cast<double>(seeds), q.rest};
}

std::optional<Index> seeds_to_tell(double delta, const Spread& spread, Index items, double power,
                                   Index most) {
  const double of_items = items > 0 ? spread.items / static_cast<double>(items) : 0;
  const double of_seeds = spread.seeds + (items > 0 ? spread.rest / static_cast<double>(items) : 0);
  for (Index n = 2; n <= most; ++n) {
    const double variance = of_items + of_seeds / static_cast<double>(n);
    if (variance == 0) return n;
    // Satterthwaite's once more, the items' share being known well.
    const double own = of_seeds / static_cast<double>(n);
    const double degrees = own > 0 ? static_cast<double>(n - 1) * (variance / own) * (variance / own) : 1e6;
    const double t = student_quantile(0.975, std::min(degrees, 1e6));
    // P(|T'| > t) by the normal approximation of Abramowitz and Stegun 26.7.10.
    const double far = delta / std::sqrt(variance);
    const double z = (t * (1 - 1 / (4 * degrees)) - far) / std::sqrt(1 + t * t / (2 * degrees));
    if (normal_share(-z) >= power) return n;
  }
  return std::nullopt;
}

std::vector<double> holm(std::span<const double> p) {
  std::vector<std::size_t> order(p.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return p[a] < p[b]; });
  std::vector<double> adjusted(p.size());
  double least = 0;
  for (std::size_t i = 0; i < order.size(); ++i) {
    least = std::max(least, std::min(1.0, p[order[i]] * static_cast<double>(p.size() - i)));
    adjusted[order[i]] = least;
  }
  return adjusted;
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
