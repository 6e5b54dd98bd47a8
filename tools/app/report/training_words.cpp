#include "tools/app/report/training_words.h"

#include <fmt/format.h>

#include <cmath>

#include "layers/tasks/registry.h"

namespace firn::cli::report {

std::string percent(double share) {
  return number_text(share, Unit::percent, 0.001);
}

std::string metric_words(const TaskMetric& metric, double value) {
  if (!std::isfinite(value)) return "–";
  return metric.share              ? percent(value)
         : metric.higher_is_better ? fmt::format("{:.4f}", value)
                                   : fmt::format("{:.4g}", value);
}
std::string score_text(const TrainingRecord& run, double value) {
  return metric_words(run.headline(), value);
}

std::string headline_title(const TrainingRecord& run) {
  std::string text = run.headline().text;
  if (text[0] >= 'a' && text[0] <= 'z') text[0] = static_cast<char>(text[0] - 'a' + 'A');
  return text;
}

Unit score_unit(const TrainingRecord& run) {
  return run.headline().share ? Unit::percent : Unit::plain;
}

std::string loss_words(const TrainingRecord& run) {
  return std::string(run.task->loss_name());
}

std::string loss_words(std::string_view task) {
  const TaskPtr found = find_task(task, 1);
  return std::string(found != nullptr ? found->loss_name() : "loss");
}

double total_seconds(const TrainingRecord& run) {
  double total = 0;
  for (const TrainingRecord::Epoch& e : run.epochs) total += e.seconds;
  return total;
}

Series curve(const TrainingRecord& run, std::string name, double TrainingRecord::Epoch::*value) {
  Series series{.name = std::move(name), .marks = run.epochs.size() <= 30};
  for (const TrainingRecord::Epoch& e : run.epochs)
    series.points.push_back({static_cast<double>(e.epoch), e.*value});
  return series;
}

Plot epoch_plot(std::string title, std::string description, std::string y, Unit unit) {
  Plot plot{.title = std::move(title), .description = std::move(description)};
  plot.x = {.title = "epoch", .whole = true};
  plot.y = {.title = std::move(y), .unit = unit};
  plot.height = 300;
  return plot;
}

}  // namespace firn::cli::report
