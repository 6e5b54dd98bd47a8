#include "tools/app/study/outcomes.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace firn::cli {

namespace {

bool is_share(Metric metric, const Arm& arm) {
  return (metric == Metric::accuracy && arm.score_is_share) || metric == Metric::macro_f1 ||
         metric == Metric::ece;
}

/// "with 5 seeds", "with 3 and 5 seeds"
std::string with_seeds(const std::vector<std::size_t>& counts) {
  std::string text;
  for (std::size_t i = 0; i < counts.size(); ++i)
    text += (i == 0 ? "" : i + 1 < counts.size() ? ", " : " and ") + fmt::format("{}", counts[i]);
  return fmt::format("with {} seed{}", text, counts == std::vector<std::size_t>{1} ? "" : "s");
}

}  // namespace

std::string metric_name(Metric metric) {
  switch (metric) {
    case Metric::accuracy:
      return "accuracy";
    case Metric::macro_f1:
      return "macro_f1";
    case Metric::ece:
      return "ece";
    case Metric::loss:
      return "loss";
    case Metric::macs:
      return "macs";
    case Metric::seconds:
      return "seconds";
    case Metric::predicted_seconds:
      return "predicted_seconds";
  }
  return {};
}

bool more_is_better(Metric metric) {
  return metric == Metric::accuracy || metric == Metric::macro_f1;
}

std::vector<double> Outcome::values(Metric metric) const {
  std::vector<double> all;
  for (const auto& [seed, numbers] : seeds) all.push_back(numbers.at(metric));
  return all;
}

double Outcome::merit() const {
  return mean_of(validation.empty() ? values(Metric::accuracy) : validation);
}

Outcomes::Outcomes(const Plan& plan, Database& database) : plan_(plan) {
  Statement result(
      database,
      "SELECT accuracy, macro_f1, ece, loss, macs_forward + macs_input + macs_weight, seconds, "
      "predicted_seconds, train_samples, test_samples, validation_accuracy, validation_samples FROM "
      "results WHERE cell=?");
  for (const Cell& cell : plan.cells) {
    result << cell.key;
    if (!result.next()) continue;
    const std::string& key = plan.arm_keys[cell.arm];
    const auto [at, fresh] = places_.try_emplace(key, outcomes_.size());
    if (fresh) {
      outcomes_.emplace_back();
      outcomes_.back().arm = &plan.arms[cell.arm];
      outcomes_.back().key = key;
    }
    Outcome& outcome = outcomes_[at->second];
    std::map<Metric, double>& numbers = outcome.seeds[cell.seed];
    int column = 0;
    for (const Metric metric : kMetrics) numbers[metric] = result.number(column++);
    outcome.train_samples = result.whole(column++);
    outcome.test_samples = result.whole(column++);
    if (!result.is_null(column)) outcome.validation.push_back(result.number(column));
    outcome.validation_samples = result.whole(++column);
    while (result.next()) {
    }
  }
  Statement cost(database, "SELECT step_ms, step_kept_ms FROM costs WHERE arm=?");
  for (Outcome& outcome : outcomes_) {
    cost << outcome.key;
    while (cost.next()) {
      outcome.step_ms = cost.number(0);
      if (!cost.is_null(1)) outcome.step_kept_ms = cost.number(1);
    }
  }
}

const Outcome* Outcomes::find(const Arm& arm) const {
  const auto at = places_.find(arm.key());
  return at == places_.end() ? nullptr : &outcomes_[at->second];
}

std::vector<const Outcome*> Outcomes::of(const Plan::Experiment& experiment) const {
  std::vector<const Outcome*> some;
  for (const std::size_t cell : experiment.cells) {
    const auto at = places_.find(plan_.arm_keys[plan_.cells[cell].arm]);
    if (at == places_.end()) continue;
    const Outcome* outcome = &outcomes_[at->second];
    if (std::find(some.begin(), some.end(), outcome) == some.end()) some.push_back(outcome);
  }
  return some;
}

Difference Outcomes::difference(const Outcome& a, const Outcome& b, Metric metric, double level) const {
  Difference difference{&a, &b, metric, 0, 0, {}};
  std::vector<double> each;
  for (const auto& [seed, numbers] : a.seeds) {
    const auto other = b.seeds.find(seed);
    if (other != b.seeds.end()) each.push_back(numbers.at(metric) - other->second.at(metric));
  }
  if (each.empty()) return difference;
  difference.seeds = each.size();
  difference.mean = mean_of(each);
  difference.interval = bootstrap_.mean(each, level);
  if (is_share(metric, *a.arm)) {
    difference.interval.low = std::max(difference.interval.low, -1.0);
    difference.interval.high = std::min(difference.interval.high, 1.0);
  }
  return difference;
}

Interval Outcomes::interval(const Outcome& outcome, Metric metric) const {
  Interval interval = bootstrap_.mean(outcome.values(metric));
  // No other metric is negative.
  if (metric != Metric::accuracy || outcome.arm->score_is_share) interval.low = std::max(interval.low, 0.0);
  if (is_share(metric, *outcome.arm)) interval.high = std::min(interval.high, 1.0);
  return interval;
}

std::string finding(const Difference& difference) {
  return difference.seeds < 2 ? "not known" : finding(difference.interval, more_is_better(difference.metric));
}

std::string statistics_text(const Plan& plan) {
  std::map<std::size_t, std::size_t> seeds_of;  // by arm
  for (const Cell& cell : plan.cells) ++seeds_of[cell.arm];
  std::set<std::size_t> counts;
  for (const auto& [arm, seeds] : seeds_of) counts.insert(seeds);
  Bootstrap bootstrap;
  std::map<IntervalMethod, std::vector<std::size_t>> by_method;
  for (const std::size_t n : counts) by_method[bootstrap.method(n)].push_back(n);
  const char* const percentiles = "its percentiles widened for few seeds (Hesterberg 2015)";
  std::string how;
  for (const auto& [method, n] : by_method) {
    how += how.empty() ? "" : "; ";
    how += with_seeds(n) + ' ';
    switch (method) {
      case IntervalMethod::none:
        how += "there is none: arms cannot be told apart";
        break;
      case IntervalMethod::student:
        how += "Student's";
        break;
      case IntervalMethod::enumerated:
        how += fmt::format("the bootstrap (Efron 1979) over all resamples, enumerated, {}", percentiles);
        break;
      case IntervalMethod::sampled:
        how += fmt::format("the bootstrap (Efron 1979) with {} resamples drawn (Philox, fixed seed), {}",
                           Bootstrap::kResamples, percentiles);
        break;
    }
  }
  return fmt::format(
      "Means over seeds; a seed draws the labels, new weights and the order of the samples, so intervals say "
      "nothing of other test parts. The best arm is chosen on the validation part, its numbers are of the "
      "test "
      "part. Intervals at 95 %, {}. Differences are paired by seed. Where several "
      "arms "
      "are looked at together, in the answer and in a verdict, the level is raised by Bonferroni's rule, and "
      "few seeds then lead to Student's interval. Bounds are clipped to what is possible. An interval that "
      "holds zero is no difference seen, not equality.",
      how);
}

}  // namespace firn::cli
