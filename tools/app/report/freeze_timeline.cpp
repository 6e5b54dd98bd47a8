#include "tools/app/report/freeze_timeline.h"

#include <fmt/core.h>

#include <algorithm>

#include "tools/app/report/plot.h"

namespace firn::cli::report {

namespace {

using Anchor = Svg::Anchor;
using Block = TrainingRecord::Block;

constexpr double kTimelineWidth = 600, kTimelineLeft = 82, kTimelineRight = 30, kTimelineTop = 30,
                 kTimelineLane = 18;

/// From `begin` to `end` in epochs: 0 is the start of the first.
struct Stretch {
  double begin, end;
  bool whole;  ///< all of the block
};

/// Epochs done before a step.
double epochs_at(const TrainingRecord& run, Index step) {
  Index before = 0;
  for (std::size_t e = 0; e < run.epochs.size(); ++e) {
    const Index steps = run.epochs[e].steps;
    if (step < before + steps)
      return static_cast<double>(e) + static_cast<double>(step - before) / static_cast<double>(steps);
    before += steps;
  }
  return static_cast<double>(run.epochs.size());
}

std::vector<Stretch> stretches_of(const TrainingRecord& run, const Block& block) {
  const auto end = static_cast<double>(run.epochs.size());
  std::vector<Stretch> out;
  bool frozen = block.frozen != "no", whole = block.frozen == "yes";
  double since = 0;
  const auto close = [&](double at) {
    if (frozen && at > since) out.push_back({since, at, whole});
  };
  for (const auto& change : run.changes) {
    if (change.block != block.name) continue;
    const double at = epochs_at(run, change.step);
    close(at);
    frozen = whole = change.frozen;
    since = at;
  }
  close(end);
  return out;
}

}  // namespace

void add_timeline(Page& page, const TrainingRecord& run) {
  if (run.epochs.empty() || run.blocks.empty()) return;
  const auto epochs = static_cast<double>(run.epochs.size());
  const double bottom = kTimelineTop + kTimelineLane * static_cast<double>(run.blocks.size());
  Svg svg(kTimelineWidth, bottom + 44, "What was frozen, and when",
          "A lane a block from the input at the bottom to the head at the top; ice where it was frozen.");
  svg.text(kTimelineLeft, 16, "What was frozen, and when", Anchor::start, "strong");
  const auto at = [&](double epoch) {
    return kTimelineLeft + epoch / epochs * (kTimelineWidth - kTimelineLeft - kTimelineRight);
  };
  PageTable table{.caption = "When blocks were frozen",
                  .heads = {"<block", "from epoch", "to epoch", "<of it"}};
  for (std::size_t b = 0; b < run.blocks.size(); ++b) {
    const Block& block = run.blocks[b];
    const double y = bottom - kTimelineLane * static_cast<double>(b + 1);
    svg.rectangle(kTimelineLeft, y + 2, kTimelineWidth - kTimelineLeft - kTimelineRight, kTimelineLane - 4,
                  "block", block.name + ": trained");
    svg.text(kTimelineLeft - 8, y + 13, block.name, Anchor::end, "muted");
    for (const Stretch& s : stretches_of(run, block)) {
      const std::string part = s.whole ? "all" : block.frozen;
      svg.rectangle(
          at(s.begin), y + 2, at(s.end) - at(s.begin), kTimelineLane - 4, s.whole ? "frozen" : "frozen part",
          fmt::format("{}: frozen ({}) from epoch {:.2f} to {:.2f}", block.name, part, s.begin, s.end));
      table.rows.push_back({block.name, fmt::format("{:.2f}", s.begin), fmt::format("{:.2f}", s.end), part});
    }
  }
  if (table.rows.empty()) return;
  for (const double tick : axis_ticks(0, epochs, 7, false, 1)) {
    if (tick > epochs) break;
    svg.line(at(tick), bottom, at(tick), bottom + 4, "axis");
    svg.text(at(tick), bottom + 17, number_text(tick, Unit::plain, 1), Anchor::middle, "muted");
  }
  svg.text((kTimelineLeft + kTimelineWidth - kTimelineRight) / 2, bottom + 36, "epochs done", Anchor::middle);
  page.figure(
      svg,
      "Ice: frozen, so absent from the steps of that time. Beneath the curves above it shows what each bend "
      "of them fell together with.",
      table);
}

}  // namespace firn::cli::report
