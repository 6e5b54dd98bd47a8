#include "tools/app/run/run_line.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "tools/app/cli/console.h"
#include "tools/app/run/scores.h"

namespace firn::cli {

void RunState::validated(Index epoch_of, double headline, double merit) {
  score = headline;
  if (merit < best_merit) return;
  best_merit = merit;
  best = headline;
  best_epoch = epoch_of;
}

std::string run_line(const RunState& state, const TaskMetric& metric) {
  constexpr std::size_t kBar = 20, kNamed = 3;
  const auto filled = static_cast<std::size_t>(std::clamp(state.share, 0.0, 1.0) * static_cast<double>(kBar));
  std::string line = fmt::format("[{}{}] epoch {}/{}", std::string(filled, '#'),
                                 std::string(kBar - filled, '-'), state.epoch, state.epochs);
  if (!std::isnan(state.seconds_left)) line += "  " + clock_text(state.seconds_left) + " left";
  if (!std::isnan(state.loss)) line += fmt::format("  loss {:.4f}", state.loss);
  if (!std::isnan(state.score)) {
    line += fmt::format("  val. {} {}", metric.brief, metric_text(metric, state.score));
    if (!std::isnan(state.best))
      line += fmt::format(", best {} (epoch {})", metric_text(metric, state.best), state.best_epoch);
  }
  if (state.frozen.empty()) return line;
  return line + (state.frozen.size() <= kNamed
                     ? fmt::format("  frozen {}", fmt::join(state.frozen, ", "))
                     : fmt::format("  frozen {} of {} blocks", state.frozen.size(), state.blocks));
}

std::vector<Held> held_blocks(const Model& model, const FreezeSet& set) {
  std::vector<Held> held;
  for (std::size_t block = 0; block < model.blocks().size(); ++block) {
    Index trains = 0, frozen = 0;
    for (const NamedParameter& p : model.block_parameters(static_cast<int>(block))) {
      if (p.parameter->role() == Role::statistic) continue;
      const bool whole = set.trains(*p.parameter) && set.trainable_ranges(*p.parameter) == nullptr;
      trains += set.trains(*p.parameter);
      frozen += !whole;
    }
    held.push_back(frozen == 0 ? Held::none : trains > 0 ? Held::part : Held::whole);
  }
  return held;
}

std::vector<std::string> frozen_blocks(const Model& model, const FreezeSet& set) {
  std::vector<std::string> names;
  const std::vector<Held> held = held_blocks(model, set);
  for (std::size_t block = 0; block < held.size(); ++block) {
    if (held[block] != Held::none)
      names.push_back(model.blocks()[block].name + (held[block] == Held::part ? " in part" : ""));
  }
  return names;
}

std::string epoch_titles(const Task& task) {
  std::string titles;
  for (const TaskMetric& metric : task.metrics()) titles += fmt::format(" {:>9}", "val. " + metric.brief);
  return fmt::format("{:>5} {:>10}{} {:>10} {:>10} {:>9} {:>7} {:>7}{}", "epoch", "loss", titles, "val. loss",
                     "rate", "seconds", "eval s", "rss MB", task.each_step() ? "  bits a character" : "");
}

std::string epoch_row(const EpochRow& row, const Task& task) {
  const auto validated = [&](double value) { return row.validated ? fmt::format("{:.4f}", value) : "-"; };
  const std::vector<TaskMetric> metrics = task.metrics();
  std::string scores;
  for (std::size_t i = 0; i < metrics.size(); ++i)
    scores += fmt::format(" {:>9}", row.validated ? metric_text(metrics[i], row.validation_metrics[i]) : "-");
  return fmt::format(
      "{:>5} {:>10.4f}{} {:>10} {:>10.3g} {:>9.2f} {:>7.2f} {:>7.0f}{}", row.epoch, row.loss, scores,
      validated(row.validation_loss), row.rate, row.seconds, row.eval_seconds, row.rss_mb,
      task.each_step() ? fmt::format("{:>18}", validated(row.validation_loss / std::numbers::ln2)) : "");
}

}  // namespace firn::cli
