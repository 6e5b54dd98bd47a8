// Means over seeds with intervals, and how well a model knows what it knows.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "engine/base/real.h"
#include "tools/app/cost/interval.h"

namespace firn::cli {

double mean_of(std::span<const double> values);
/// The sample's, with n - 1; 0 for one value.
double deviation_of(std::span<const double> values);

/// How an interval of a mean comes about.
enum class IntervalMethod {
  none,        ///< one value: no width, which says nothing
  student,     ///< mean -+ t deviation / sqrt(n)
  enumerated,  ///< percentiles of all n^n resamples
  sampled,     ///< percentiles of kResamples of them
};

/// Intervals for means by the bootstrap (Efron 1979). Up to kEnumerated values all n^n resamples are taken:
/// C(2n-1, n) different ones, each as often as it would be drawn. Of more values kResamples are drawn, once
/// for each n, by Philox with a fixed seed, so that the same values always give the same interval. Of their
/// means the percentiles Phi(-sqrt(n/(n-1)) t) and its complement are taken, t the quantile of Student's
/// distribution with n - 1 degrees: the plain percentiles are far too narrow for a handful of seeds
/// (Hesterberg, "What teachers should know about the bootstrap", 2015, section 2.4.2). Where that share is
/// less than n^-n, the chance of the outermost resample (n <= 4 at 95 %), no resample lies so far out: then
/// it is Student's interval.
class Bootstrap {
 public:
  /// Of the mean at this level. One value gives an interval of no width.
  Interval mean(std::span<const double> values, double level = 0.95);
  /// By which `mean` finds it for so many values.
  IntervalMethod method(std::size_t n, double level = 0.95);

  static constexpr int kResamples = 4000;
  static constexpr std::size_t kEnumerated = 8;

 private:
  /// How often each value is drawn, n counts a resample, and how often each resample comes.
  struct Resamples {
    std::vector<std::uint8_t> counts;
    std::vector<std::uint64_t> times;
    std::uint64_t all = 0;
  };
  struct Tail {
    double t = 0, share = 0;
  };
  const Resamples& resamples(std::size_t n);
  const Tail& tail(std::size_t n, double level);
  std::map<std::size_t, Resamples> resamples_;
  std::map<std::pair<std::size_t, double>, Tail> tails_;
};

/// a[i] - b[i]; both of one length.
std::vector<double> paired(std::span<const double> a, std::span<const double> b);

/// Quantile of Student's distribution with `degrees` degrees of freedom: P(T <= t) = p, for 0.5 <= p < 1.
double student_quantile(double p, int degrees);
/// P(Z <= z) of the standard normal distribution.
double normal_share(double z);

/// Expected calibration error: samples in 15 bins of equal width by the confidence of the answer, the mean
/// distance of accuracy and confidence, weighed by samples (Guo et al. 2017, equation 3).
class Calibration {
 public:
  void add(double confidence, bool right);
  double error() const;

  static constexpr int kBins = 15;

 private:
  struct Bin {
    double confidence = 0;
    Index right = 0, samples = 0;
  };
  std::array<Bin, kBins> bins_{};
};

/// What an interval of a difference says: "better", "worse" or "no difference seen". `more_is_better` turns
/// it around where it is false.
std::string finding(const Interval& difference, bool more_is_better);

}  // namespace firn::cli
