#include "tools/app/report/freeze_timeline.h"

#include <fmt/core.h>

#include <algorithm>

namespace firn::cli::report {

namespace {

using Anchor = Svg::Anchor;

constexpr double kLaneHeight = 18, kThinLane = 10, kLaneTitle = 24;
constexpr std::size_t kNamedLanes = 14;  // of one training; more are thin, and named in turns

/// Draws the lanes from `top` on; where they end.
double draw_lanes(Svg& svg, const FreezeLanes& lanes, double top, double from, double to, double high) {
  const bool thin = lanes.blocks.size() > kNamedLanes;
  const double height = thin ? kThinLane : kLaneHeight;
  const std::size_t every = thin ? lanes.blocks.size() / kNamedLanes + 1 : 1;
  if (!lanes.name.empty()) {
    svg.text(from, top + 16, "frozen in " + lanes.name, Anchor::start, "muted");
    top += kLaneTitle;
  }
  const double bottom = top + height * static_cast<double>(lanes.blocks.size());
  for (std::size_t b = 0; b < lanes.blocks.size(); ++b) {
    const double y = bottom - height * static_cast<double>(b + 1);
    svg.rectangle(from, y + 1, to - from, height - 2, "block", lanes.blocks[b] + ": trained");
    if (b % every == 0) svg.text(from - 8, y + height / 2 + 4, lanes.blocks[b], Anchor::end, "muted small");
    for (const Stretch& s : lanes.stretches) {
      if (s.block != b) continue;
      const double x = from + s.begin / high * (to - from);
      svg.rectangle(x, y + 1, from + s.end / high * (to - from) - x, height - 2,
                    s.whole ? "frozen" : "frozen part",
                    fmt::format("{}: {} from {:.4g} to {:.4g}", lanes.blocks[b],
                                s.whole ? "frozen" : "frozen in part", s.begin, s.end));
    }
  }
  return bottom;
}

}  // namespace

Svg draw_over_lanes(Plot plot, const std::vector<FreezeLanes>& lanes, double total) {
  constexpr double kBelow = 12;
  plot.x.covers = {0, total};
  const double high = std::max(total, axis_ticks(0, total, kPlotTicks, false, plot.x.whole ? 1 : 0).back());
  const Svg above = draw(plot);
  double height = above.height() + kBelow;
  for (const FreezeLanes& one : lanes) {
    height +=
        (one.blocks.size() > kNamedLanes ? kThinLane : kLaneHeight) * static_cast<double>(one.blocks.size());
    height += one.name.empty() ? 0 : kLaneTitle;
  }
  Svg svg(
      plot.width, height, plot.title,
      plot.description + " Beneath it a lane a block, the input's at the bottom, ice while it was frozen.");
  svg.place(above, 0, 0);
  double top = above.height();
  for (const FreezeLanes& one : lanes)
    top = draw_lanes(svg, one, top, kPlotLeft, plot.width - kPlotRight, high);
  return svg;
}

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

FreezeLanes lanes_of(const TrainingRecord& run) {
  FreezeLanes lanes;
  const auto total = static_cast<double>(run.epochs.size());
  for (std::size_t b = 0; b < run.blocks.size(); ++b) {
    const TrainingRecord::Block& block = run.blocks[b];
    lanes.blocks.push_back(block.name);
    bool frozen = block.frozen != "no", whole = block.frozen == "yes";
    double since = 0;
    const auto close = [&](double at) {
      if (frozen && at > since) lanes.stretches.push_back({b, since, at, whole});
    };
    for (const auto& change : run.changes) {
      if (change.block != block.name) continue;
      const double at = epochs_at(run, change.step);
      close(at);
      frozen = whole = change.frozen;
      since = at;
    }
    close(total);
  }
  return lanes;
}

PageTable stretches_table(const std::vector<FreezeLanes>& lanes, const std::string& time) {
  PageTable table{.caption = "When blocks were frozen",
                  .heads = {"<block", "from " + time, "to " + time, "<of it"}};
  const bool named =
      std::any_of(lanes.begin(), lanes.end(), [](const FreezeLanes& l) { return !l.name.empty(); });
  if (named) table.heads.insert(table.heads.begin(), "<training");
  for (const FreezeLanes& one : lanes) {
    for (const Stretch& s : one.stretches) {
      table.rows.push_back({one.blocks[s.block], fmt::format("{:.4g}", s.begin), fmt::format("{:.4g}", s.end),
                            s.whole ? "all" : "a part"});
      if (named) table.rows.back().insert(table.rows.back().begin(), one.name);
    }
  }
  return table;
}

}  // namespace firn::cli::report
