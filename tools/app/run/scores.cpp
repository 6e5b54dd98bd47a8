#include "tools/app/run/scores.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "engine/base/rng.h"

namespace firn::cli {

namespace {

constexpr Index kTimes = 1000, kFewestTimes = 200, kDraws = 20'000'000;

std::vector<std::optional<Interval>> bootstrap(const Task& task, const Evaluation& e) {
  const std::size_t count = task.metrics().size();
  const Index times = std::clamp(kDraws / e.samples, kFewestTimes, kTimes);
  std::vector<std::vector<double>> drawn(count);
  std::vector<Index> rows(static_cast<std::size_t>(e.samples));
  for (Index time = 0; time < times; ++time) {
    Random random(0, "bootstrap", static_cast<std::uint64_t>(time));
    for (Index& row : rows) row = static_cast<Index>(random.below(static_cast<std::uint32_t>(e.samples)));
    const std::vector<double> metrics = task.metrics_of(e, rows);
    if (metrics.size() != count) return std::vector<std::optional<Interval>>(count);
    for (std::size_t i = 0; i < count; ++i) drawn[i].push_back(metrics[i]);
  }
  std::vector<std::optional<Interval>> result;
  for (std::vector<double>& values : drawn) {
    std::sort(values.begin(), values.end());
    const auto at = [&](double share) {
      return values[static_cast<std::size_t>(std::lround(share * static_cast<double>(values.size() - 1)))];
    };
    result.push_back(Interval{at(0.025), at(0.975)});
  }
  return result;
}

}  // namespace

std::vector<std::optional<Interval>> intervals_of(const Task& task, const Evaluation& e) {
  std::vector<std::optional<Interval>> none(task.metrics().size());
  if (e.samples < 1) return none;
  if (e.answers.empty()) {
    if (e.classes > 0) none[0] = wilson_interval(e.accuracy(), e.samples);
    return none;
  }
  return bootstrap(task, e);
}

Evaluation column_of(const Evaluation& e, Index width, Index column) {
  Evaluation one;
  one.samples = e.samples;
  for (Index row = 0; row < e.samples; ++row) {
    one.answers.push_back(e.answers[static_cast<std::size_t>(row * width + column)]);
    one.truths.push_back(e.truths[static_cast<std::size_t>(row * width + column)]);
  }
  return one;
}

std::string metric_text(const TaskMetric& metric, double value) {
  return metric.share || metric.higher_is_better ? fmt::format("{:.4f}", value)
                                                 : fmt::format("{:.4g}", value);
}

std::string scores_text(const Task& task, const Evaluation& e) {
  const std::vector<TaskMetric> metrics = task.metrics();
  const auto intervals = intervals_of(task, e);
  std::string text;
  for (std::size_t i = 0; i < metrics.size(); ++i) {
    if (i > 0) text += "; ";
    text += metrics[i].text + " " + metric_text(metrics[i], e.metrics[i]);
    if (intervals[i]) {
      text += fmt::format(", 95 % {} to {}", metric_text(metrics[i], intervals[i]->low),
                          metric_text(metrics[i], intervals[i]->high));
    }
  }
  return text;
}

void add_scores(JsonObject& line, const std::string& prefix, const Task& task, const Evaluation& e) {
  const std::vector<TaskMetric> metrics = task.metrics();
  const auto intervals = intervals_of(task, e);
  for (std::size_t i = 0; i < metrics.size(); ++i) {
    line.add(prefix + metrics[i].name, e.metrics[i]);
    if (!intervals[i]) continue;
    line.add(prefix + (i == 0 ? "interval" : metrics[i].name + "_interval"),
             std::vector<double>{intervals[i]->low, intervals[i]->high});
  }
}

}  // namespace firn::cli
