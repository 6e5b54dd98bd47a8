#include "tools/app/study/outcomes.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

namespace firn::cli {

namespace {

bool is_share(Metric metric, const Arm& arm) {
  return (metric == Metric::accuracy && arm.score_is_share) || metric == Metric::macro_f1 ||
         metric == Metric::ece;
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
  Statement result(database,
                   "SELECT accuracy, macro_f1, ece, loss, macs_forward + macs_input + macs_weight, seconds, "
                   "predicted_seconds, train_samples, test_samples, validation_accuracy, validation_samples, "
                   "trained_share FROM results WHERE cell=?");
  Statement items(database, "SELECT kind, count, scores FROM items WHERE cell=?");
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
    // The mean over the seeds so far.
    const auto n = static_cast<double>(outcome.seeds.size());
    outcome.trained_share += (result.number(++column) - outcome.trained_share) / n;
    while (result.next()) {
    }
    items << cell.key;
    while (items.next()) {
      outcome.items[cell.seed] =
          unpacked_scores(items.text(0), items.whole(1), items.bytes(2), database.path());
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
  adjust();
}

void Outcomes::adjust() {
  for (const Plan::Experiment& experiment : plan_.experiments) {
    for (const Metric metric : kMetrics) {
      std::vector<const Outcome*> arms;
      std::vector<double> p;
      for (const Outcome* outcome : of(experiment)) {
        const Outcome* full = outcome->arm->full() ? nullptr : find(outcome->arm->full_tuning());
        if (full == nullptr) continue;
        const Difference d = combine(*outcome, *full, metric, 1, -1, 0);
        if (d.seeds < 2) continue;
        arms.push_back(outcome);
        p.push_back(d.estimate.p());
      }
      const std::vector<double> adjusted = holm(p);
      for (std::size_t i = 0; i < arms.size(); ++i) {
        double& known = p_holm_[{arms[i]->key, metric}];
        known = std::max(known, adjusted[i]);
      }
    }
  }
}

double Outcomes::p_holm(const Outcome& outcome, Metric metric) const {
  const auto at = p_holm_.find({outcome.key, metric});
  return at == p_holm_.end() ? 1 : at->second;
}

std::string Outcomes::finding_of(const Outcome& outcome, const Difference& to_full) const {
  constexpr double kFamilyLevel = 0.05;
  if (to_full.seeds < 2) return "not known";
  if (!(p_holm(outcome, to_full.metric) < kFamilyLevel)) return "no difference seen";
  return (to_full.mean > 0) == more_is_better(to_full.metric) ? "better" : "worse";
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

namespace {

/// The estimate of what `each` seed has, by items where all of them have as many.
Estimate estimate_of(const std::vector<double>& values, const std::vector<std::vector<float>>& by_item) {
  const std::size_t items = by_item.empty() ? 0 : by_item.front().size();
  const bool crossed = by_item.size() == values.size() && items > 1 && values.size() > 1 &&
                       std::all_of(by_item.begin(), by_item.end(),
                                   [&](const std::vector<float>& row) { return row.size() == items; });
  if (!crossed) return estimate(values);
  std::vector<float> table;
  for (const std::vector<float>& row : by_item) table.insert(table.end(), row.begin(), row.end());
  Estimate e = estimate(table, values.size(), items);
  e.mean = mean_of(values);  // to the last digit, whatever the items were rounded to
  return e;
}

}  // namespace

double Difference::level(bool up) const {
  if (seeds < 2 || mean == 0) return 1;
  return (mean > 0) == up ? estimate.p() : 1;
}

Difference Outcomes::combine(const Outcome& a, const Outcome& b, Metric metric, double wa, double wb,
                             double constant) const {
  Difference difference{&a, &b, metric, 0, 0, {}};
  std::vector<double> each;
  std::vector<std::vector<float>> by_item;
  for (const auto& [seed, numbers] : a.seeds) {
    const auto other = b.seeds.find(seed);
    if (other == b.seeds.end()) continue;
    each.push_back(wa * numbers.at(metric) + wb * other->second.at(metric) + constant);
    const auto one = a.items.find(seed), two = b.items.find(seed);
    if (metric != Metric::accuracy || one == a.items.end() || two == b.items.end() ||
        one->second.size() != two->second.size())
      continue;
    std::vector<float> row(one->second.size());
    for (std::size_t i = 0; i < row.size(); ++i)
      row[i] = static_cast<float>(wa * static_cast<double>(one->second[i]) +
                                  wb * static_cast<double>(two->second[i]) + constant);
    by_item.push_back(std::move(row));
  }
  if (each.empty()) return difference;
  difference.seeds = each.size();
  difference.estimate = estimate_of(each, by_item);
  difference.mean = difference.estimate.mean;
  difference.interval = difference.estimate.interval();
  return difference;
}

Difference Outcomes::difference(const Outcome& a, const Outcome& b, Metric metric, double level) const {
  Difference difference = combine(a, b, metric, 1, -1, 0);
  difference.interval = difference.estimate.interval(level);
  if (is_share(metric, *a.arm)) {
    difference.interval.low = std::max(difference.interval.low, -1.0);
    difference.interval.high = std::min(difference.interval.high, 1.0);
  }
  return difference;
}

Difference Outcomes::within(const Outcome& a, const Outcome& b, double margin) const {
  Difference difference = combine(a, b, Metric::accuracy, 1, -(1 + margin), margin);
  difference.what = fmt::format("errors against {:g} times those of", 1 + margin);
  return difference;
}

Difference Outcomes::ratio(const Outcome& a, const Outcome& b, Metric metric) const {
  Difference difference{&a, &b, metric, 0, 0, {}};
  std::vector<double> each;
  for (const auto& [seed, numbers] : a.seeds) {
    const auto other = b.seeds.find(seed);
    if (other == b.seeds.end()) continue;
    if (numbers.at(metric) > 0 && other->second.at(metric) > 0)
      each.push_back(std::log(numbers.at(metric) / other->second.at(metric)));
  }
  difference.what = "log of the ratio to";
  if (each.empty()) return difference;
  difference.seeds = each.size();
  difference.estimate = estimate(each);
  difference.mean = difference.estimate.mean;
  difference.interval = difference.estimate.interval();
  return difference;
}

std::optional<Spread> Outcomes::spread_of(const Outcome& a, const Outcome& b) const {
  std::vector<float> table;
  std::size_t seeds = 0, items = 0;
  for (const auto& [seed, one] : a.items) {
    const auto two = b.items.find(seed);
    if (two == b.items.end() || two->second.size() != one.size() || (items > 0 && one.size() != items))
      continue;
    items = one.size();
    ++seeds;
    for (std::size_t i = 0; i < items; ++i) table.push_back(one[i] - two->second[i]);
  }
  if (seeds < 2 || items < 2) return std::nullopt;
  return spread(table, seeds, items);
}

Interval Outcomes::interval(const Outcome& outcome, Metric metric) const {
  std::vector<std::vector<float>> by_item;
  if (metric == Metric::accuracy) {
    for (const auto& [seed, scores] : outcome.items) by_item.push_back(scores);
  }
  Interval interval = estimate_of(outcome.values(metric), by_item).interval();
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
  const bool single = counts.contains(1);
  return fmt::format(
      "Means over seeds; a seed draws the labels, new weights and the order of the samples. Intervals are at "
      "95 %, Student's, for other seeds and another test part: the variance is of a two-way table of seeds "
      "and "
      "test items where answers are right or wrong, its degrees of freedom Satterthwaite's; for other "
      "measures "
      "and costs it is of seeds alone. Simulated, they hold the truth in 93 to 97 of 100 studies of 5 to 20 "
      "seeds.{} Differences are paired by seed and item. The best arm is chosen on the validation part, its "
      "numbers are of the test part. What is called better, worse, supported or contradicted is so on a "
      "level "
      "of 5 % for its whole family (Holm 1979); the answer raises its intervals by Bonferroni's rule. Bounds "
      "are clipped to what is possible. An interval that holds zero is no difference seen, not equality: "
      "being "
      "as good has a test of its own.",
      single ? " With 1 seed there is none: arms cannot be told apart." : "");
}

}  // namespace firn::cli
