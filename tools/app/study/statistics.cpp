#include "tools/app/study/statistics.h"

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

struct WeighedMean {
  double mean = 0;
  std::uint64_t times = 0;
};

/// The first mean, from `at` on, up to which there are at least that many.
template <class Iterator>
double reach(Iterator at, Iterator end, double wanted) {
  std::uint64_t passed = 0;
  double last = 0;
  for (; at != end; ++at) {
    passed += at->times;
    last = at->mean;
    if (static_cast<double>(passed) >= wanted) break;
  }
  return last;
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

const Bootstrap::Resamples& Bootstrap::resamples(std::size_t n) {
  const auto [at, fresh] = resamples_.try_emplace(n);
  Resamples& r = at->second;
  if (!fresh) return r;
  if (n > kEnumerated) {
    r.counts.assign(kResamples * n, 0);
    r.times.assign(kResamples, 1);
    r.all = kResamples;
    Random random(kSeed, "bootstrap", n);
    for (std::size_t resample = 0; resample < kResamples; ++resample) {
      for (std::size_t i = 0; i < n; ++i)
        ++r.counts[resample * n + random.below(static_cast<std::uint32_t>(n))];
    }
    return r;
  }
  // Every way to share n draws out among the values, with its multinomial coefficient.
  std::vector<std::uint8_t> counts(n, 0);
  const auto share_out = [&](const auto& self, std::size_t value, std::size_t left, std::uint64_t times) {
    if (value + 1 == n) {
      counts[value] = static_cast<std::uint8_t>(left);
      r.counts.insert(r.counts.end(), counts.begin(), counts.end());
      r.times.push_back(times);
      r.all += times;
      return;
    }
    std::uint64_t ways = 1;  // to choose `count` of the draws that are left
    for (std::size_t count = 0; count <= left; ++count) {
      counts[value] = static_cast<std::uint8_t>(count);
      self(self, value + 1, left - count, times * ways);
      ways = ways * (left - count) / (count + 1);
    }
  };
  share_out(share_out, 0, n, 1);
  return r;
}

const Bootstrap::Tail& Bootstrap::tail(std::size_t n, double level) {
  const auto [at, fresh] = tails_.try_emplace({n, level});
  if (fresh) {
    const auto degrees = static_cast<int>(n) - 1;
    at->second.t = student_quantile(0.5 + level / 2, degrees);
    at->second.share = normal_share(-at->second.t * std::sqrt(static_cast<double>(n) / degrees));
  }
  return at->second;
}

IntervalMethod Bootstrap::method(std::size_t n, double level) {
  if (n < 2) return IntervalMethod::none;
  if (tail(n, level).share < std::pow(static_cast<double>(n), -static_cast<double>(n)))
    return IntervalMethod::student;
  return n <= kEnumerated ? IntervalMethod::enumerated : IntervalMethod::sampled;
}

Interval Bootstrap::mean(std::span<const double> values, double level) {
  const std::size_t n = values.size();
  const IntervalMethod how = method(n, level);
  if (how == IntervalMethod::none) return {values[0], values[0]};
  if (how == IntervalMethod::student) {
    const double half = tail(n, level).t * deviation_of(values) / std::sqrt(static_cast<double>(n));
    return {mean_of(values) - half, mean_of(values) + half};
  }
  const Resamples& r = resamples(n);
  std::vector<WeighedMean> means(r.times.size());
  for (std::size_t resample = 0; resample < means.size(); ++resample) {
    double total = 0;
    for (std::size_t i = 0; i < n; ++i) total += r.counts[resample * n + i] * values[i];
    means[resample] = {total / static_cast<double>(n), r.times[resample]};
  }
  std::sort(means.begin(), means.end(),
            [](const WeighedMean& a, const WeighedMean& b) { return a.mean < b.mean; });
  const double wanted = tail(n, level).share * static_cast<double>(r.all);
  return {reach(means.begin(), means.end(), wanted), reach(means.rbegin(), means.rend(), wanted)};
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
