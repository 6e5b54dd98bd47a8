// The numbers of a study's arms over their seeds, and how they compare.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tools/app/study/grid.h"
#include "tools/app/study/statistics.h"
#include "tools/app/study/store.h"

namespace firn::cli {

/// `accuracy` is the headline of the arm's task (`Arm::score`): R² of numbers, macro F1 of several labels.
enum class Metric { accuracy, macro_f1, ece, loss, macs, seconds, predicted_seconds };
inline constexpr Metric kMetrics[] = {
    Metric::accuracy, Metric::macro_f1,         Metric::ece, Metric::loss, Metric::macs,
    Metric::seconds,  Metric::predicted_seconds};
/// "accuracy"
std::string metric_name(Metric metric);
bool more_is_better(Metric metric);

/// An arm with what its cells came to, by seed.
struct Outcome {
  const Arm* arm = nullptr;
  std::string key;
  std::map<std::uint64_t, std::map<Metric, double>> seeds;
  std::optional<double> step_ms;       ///< of a static arm
  std::optional<double> step_kept_ms;  ///< of one whose features can be kept
  Index train_samples = 0, test_samples = 0;
  std::vector<double> validation;  ///< accuracies on the validation part; empty: there is none
  Index validation_samples = 0;
  /// What arms are chosen by: the mean accuracy on the validation part, without one on the test part.
  double merit() const;
  std::vector<double> values(Metric metric) const;
};

/// a minus b over the seeds that both have.
struct Difference {
  const Outcome* a = nullptr;
  const Outcome* b = nullptr;
  Metric metric = Metric::accuracy;
  std::size_t seeds = 0;
  double mean = 0;
  Interval interval;
};

/// "better", "worse", "no difference seen", or "not known" of a single seed.
std::string finding(const Difference& difference);

class Outcomes {
 public:
  /// Reads the results of all cells of the plan; those without one are passed over.
  Outcomes(const Plan& plan, Database& database);

  const std::vector<Outcome>& all() const { return outcomes_; }
  /// Null where no cell of such an arm has a result.
  const Outcome* find(const Arm& arm) const;
  /// The outcomes of one experiment's arms, in the order of the plan.
  std::vector<const Outcome*> of(const Plan::Experiment& experiment) const;

  /// Both clipped to what the metric can be: shares to 0 .. 1, their differences to -1 .. 1; R² has no least.
  Difference difference(const Outcome& a, const Outcome& b, Metric metric, double level = 0.95) const;
  Interval interval(const Outcome& outcome, Metric metric) const;

 private:
  const Plan& plan_;
  std::vector<Outcome> outcomes_;
  std::map<std::string, std::size_t> places_;
  mutable Bootstrap bootstrap_;
};

/// What the intervals of a plan are, in sentences: the methods that its numbers of seeds lead to.
std::string statistics_text(const Plan& plan);

}  // namespace firn::cli
