#include "tools/app/report/dot_panel.h"

#include <algorithm>
#include <cmath>

#include "tools/app/report/plot.h"

namespace firn::cli::report {

namespace {

using Anchor = Svg::Anchor;

constexpr double kPanelWidth = 352, kPanelTop = 46, kPanelRow = 22, kPanelBelow = 28;
constexpr double kStrip = 40, kName = 47, kNameEnd = 152;  // the strip of blocks, then the name
constexpr double kScore = 160, kScoreEnd = 266;            // of the scores
constexpr double kBar = 278, kBarEnd = 296;                // of the costs; their words stand behind
constexpr double kApart = 8;                               // dots of one row, one under the other
constexpr int kTicks = 3;

/// As much of `words` as fits.
std::string clipped(const std::string& words, double width, double size) {
  if (text_width(words, size) <= width) return words;
  std::string out = words;
  while (!out.empty() && text_width(out + "…", size) > width) {
    while (!out.empty() && (static_cast<unsigned char>(out.back()) & 0xC0) == 0x80) out.pop_back();
    if (!out.empty()) out.pop_back();
  }
  return out + "…";
}

void draw_strip(Svg& svg, const DotRow& row, double y) {
  const double width = kStrip / static_cast<double>(row.blocks), gap = width > 4 ? 1.5 : 0;
  for (Index b = 0; b < row.blocks; ++b) {
    svg.rectangle(width * static_cast<double>(b) + 1, y - 5, width - gap, 10,
                  b < row.frozen ? "frozen" : "block");
  }
}

}  // namespace

Svg draw(const DotPanel& panel) {
  const double bottom = kPanelTop + kPanelRow * static_cast<double>(panel.rows.size());
  Svg svg(kPanelWidth, bottom + kPanelBelow, panel.title, panel.description);
  const double span = panel.high > panel.low ? panel.high - panel.low : 1;
  const auto at = [&](double value) { return kScore + (value - panel.low) / span * (kScoreEnd - kScore); };
  svg.text(0, 14, panel.title, Anchor::start, "strong");
  svg.text(kScore, kPanelTop - 14, panel.score, Anchor::start, "muted");
  svg.text(kBar, kPanelTop - 14, panel.cost, Anchor::start, "muted");
  const std::vector<double> ticks = axis_ticks(panel.low, panel.high, kTicks);
  for (const double tick : ticks) {
    if (tick < panel.low - 1e-9 || tick > panel.high + 1e-9) continue;
    svg.line(at(tick), kPanelTop - 4, at(tick), bottom, "rule");
    svg.text(at(tick), bottom + 16, number_text(tick, Unit::percent, ticks[1] - ticks[0]), Anchor::middle,
             "muted");
  }
  if (panel.reference && std::isfinite(*panel.reference))
    svg.line(at(*panel.reference), kPanelTop - 4, at(*panel.reference), bottom, "reference");
  for (std::size_t r = 0; r < panel.rows.size(); ++r) {
    const DotRow& row = panel.rows[r];
    const double y = kPanelTop + kPanelRow * (static_cast<double>(r) + 0.5);
    svg.begin_group("row " + row.css_class);
    svg.rectangle(0, y - kPanelRow / 2, kPanelWidth, kPanelRow, row.strong ? "lane strong" : "lane",
                  row.name);
    if (row.blocks > 0) draw_strip(svg, row, y);
    svg.text(kName, y + 4, clipped(row.name, kNameEnd - kName, row.strong ? 12.6 : 12), Anchor::start,
             row.strong ? "strong" : "");
    for (std::size_t d = 0; d < row.dots.size(); ++d) {
      const DotRow::Dot& dot = row.dots[d];
      if (!std::isfinite(dot.value)) continue;
      const double up = kApart * (static_cast<double>(d) - (static_cast<double>(row.dots.size()) - 1) / 2);
      svg.begin_group(dot.css_class);
      if (dot.low != dot.high && std::isfinite(dot.low) && std::isfinite(dot.high))
        svg.line(std::max(kScore, at(dot.low)), y + up, std::min(kScoreEnd, at(dot.high)), y + up, "whisker");
      svg.circle(at(dot.value), y + up, row.strong && d == 0 ? 5.5 : 4.5, "dot", dot.tooltip);
      svg.end_group();
    }
    if (std::isfinite(row.cost)) {
      const double width = panel.most_cost > 0 ? (kBarEnd - kBar) * row.cost / panel.most_cost : 0;
      svg.rectangle(kBar, y - 4, std::max(1.0, width), 8, "cost", row.cost_text);
      svg.text(kBar + std::max(1.0, width) + 4, y + 4, row.cost_text, Anchor::start, "muted small");
    }
    svg.end_group();
  }
  return svg;
}

}  // namespace firn::cli::report
