// Means over seeds with intervals, and how well a model knows what it knows.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/base/real.h"
#include "tools/app/cli/interval.h"

namespace firn::cli {

double mean_of(std::span<const double> values);
/// The sample's, with n - 1; 0 for one value.
double deviation_of(std::span<const double> values);

/// A mean with what is uncertain in it.
struct Estimate {
  double mean = 0;
  double error = 0;    ///< standard error of the mean
  double degrees = 0;  ///< of freedom, of the error; not whole. 0: one seed, nothing is known
  /// Student's: mean -+ t error. Without degrees of no width, which says nothing.
  Interval interval(double level = 0.95) const;
  /// Two-sided, against the mean 0; 1 without degrees.
  double p() const;
};

/// Of values of which each is a seed's: error deviation / sqrt(n), n - 1 degrees.
Estimate estimate(std::span<const double> values);

/// Of values by seed and test item, (seeds, items) row by row, where both are drawn from many: another
/// training run with the same test part has other seeds, another test part other items. With the mean squares
/// of the two-way table, MS_seeds, MS_items and MS_rest, the mean's variance is (MS_seeds + MS_items -
/// MS_rest) / (seeds items), never less than the seeds' alone; its degrees are Satterthwaite's (1946), at
/// least seeds - 1. A seeds-only interval is far too narrow where items matter: study_coverage_test.
Estimate estimate(std::span<const float> values, std::size_t seeds, std::size_t items);

/// The parts of a single value's variance: between seeds, between items, of both together.
struct Spread {
  double seeds = 0, items = 0, rest = 0;
};
Spread spread(std::span<const float> values, std::size_t seeds, std::size_t items);
/// The least number of seeds, from two on, with which a difference of `delta` is told from zero on a level of
/// 5 % with this power, on so many items: Student's t with the noncentral distribution's normal
/// approximation. Nothing where the items alone are too few for any number up to `most`.
std::optional<Index> seeds_to_tell(double delta, const Spread& spread, Index items, double power = 0.8,
                                   Index most = 1000);

/// Holm's (1979): the least levels on which the hypotheses of a family are rejected together, in their order.
std::vector<double> holm(std::span<const double> p);

/// a[i] - b[i]; both of one length.
std::vector<double> paired(std::span<const double> a, std::span<const double> b);

/// P(T <= t) of Student's distribution; `degrees` need not be whole. Own code: one continued fraction, in the
/// place of a library of special functions.
double student_share(double t, double degrees);
/// Its quantile: P(T <= t) = p, for 0.5 <= p < 1.
double student_quantile(double p, double degrees);
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
