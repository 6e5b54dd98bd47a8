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
  /// Scores of the test part's items, by seed; of a seed whose answers are not kept there are none.
  std::map<std::uint64_t, std::vector<float>> items;
  double trained_share = 0;            ///< of the blocks, mean over steps and seeds
  std::optional<double> step_ms;       ///< of a static arm
  std::optional<double> step_kept_ms;  ///< of one whose features can be kept
  Index train_samples = 0, test_samples = 0;
  std::vector<double> validation;  ///< accuracies on the validation part; empty: there is none
  Index validation_samples = 0;
  /// What arms are chosen by: the mean accuracy on the validation part, without one on the test part.
  double merit() const;
  std::vector<double> values(Metric metric) const;
};

/// a minus b, or another sum of both, over the seeds that both have.
struct Difference {
  const Outcome* a = nullptr;
  const Outcome* b = nullptr;
  Metric metric = Metric::accuracy;
  std::size_t seeds = 0;
  double mean = 0;
  Interval interval;
  Estimate estimate = {};
  std::string what = {};  ///< where it is no plain difference: what it is of
  /// The least level on which it is told from zero and lies above it (below, with `up` false); 1: on the
  /// other side.
  double level(bool up) const;
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
  /// Of errors, 1 - accuracy: (1 + margin) times b's minus a's. Above zero a's errors are at most so much
  /// more than b's. Accuracy alone; not clipped.
  Difference within(const Outcome& a, const Outcome& b, double margin) const;
  /// Log of a's over b's, of a cost; exp of it is the ratio. Seeds where one is not above zero do not count.
  Difference ratio(const Outcome& a, const Outcome& b, Metric metric) const;
  /// The level of an arm's difference to full tuning among all of its experiment (Holm; of several
  /// experiments the greatest); 1 where there is none.
  double p_holm(const Outcome& outcome, Metric metric) const;
  /// "better", "worse", "no difference seen" on that level, "not known" of a single seed.
  std::string finding_of(const Outcome& outcome, const Difference& to_full) const;
  /// What the paired difference in accuracy varies by; nothing where answers are not kept.
  std::optional<Spread> spread_of(const Outcome& a, const Outcome& b) const;

 private:
  void adjust();
  /// wa a + wb b + constant over the seeds that both have, by seed and item where answers are kept.
  Difference combine(const Outcome& a, const Outcome& b, Metric metric, double wa, double wb,
                     double constant) const;

  const Plan& plan_;
  std::vector<Outcome> outcomes_;
  std::map<std::string, std::size_t> places_;
  std::map<std::pair<std::string, Metric>, double> p_holm_;
};

/// What the intervals of a plan are, in sentences.
std::string statistics_text(const Plan& plan);

}  // namespace firn::cli
