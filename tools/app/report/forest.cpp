#include "tools/app/report/forest.h"

#include <algorithm>
#include <cmath>

namespace firn::cli::report {

namespace {

using Anchor = Svg::Anchor;

constexpr double kForestRow = 24, kForestTop = 36, kPlot = 340;

}  // namespace

Svg draw(const Forest& forest) {
  double names = 60, texts = 60, low = 0, high = 0;
  for (const ForestRow& row : forest.rows) {
    names = std::max(names, text_width(row.name));
    texts = std::max(texts, text_width(row.text));
    if (!std::isfinite(row.low) || !std::isfinite(row.high)) continue;
    low = std::min(low, row.low);
    high = std::max(high, row.high);
  }
  if (low == high) high = low + 1;
  const std::vector<double> ticks = axis_ticks(low, high, 6);
  const double step = ticks[1] - ticks[0];
  low = std::min(low, ticks.front());
  high = std::max(high, ticks.back());
  const double left = names + 24, right = left + kPlot;
  const double bottom = kForestTop + kForestRow * static_cast<double>(forest.rows.size()) + 4;
  Svg svg(right + texts + 28, bottom + 46, forest.title, forest.description);
  const auto at = [&](double value) { return left + (value - low) / (high - low) * kPlot; };
  svg.text(0, 16, forest.title, Anchor::start, "strong");
  for (const double tick : ticks) {
    svg.line(at(tick), kForestTop - 6, at(tick), bottom, "rule");
    const std::string sign = tick > 0 ? "+" : "";
    svg.text(at(tick), bottom + 16, sign + number_text(tick, Unit::plain, step), Anchor::middle, "muted");
  }
  svg.line(at(0), kForestTop - 6, at(0), bottom, "axis");
  svg.text((left + right) / 2, bottom + 38, forest.axis, Anchor::middle);
  for (std::size_t i = 0; i < forest.rows.size(); ++i) {
    const ForestRow& row = forest.rows[i];
    const double y = kForestTop + kForestRow * (static_cast<double>(i) + 0.5);
    svg.text(left - 12, y + 4, row.name, Anchor::end);
    svg.text(right + 12, y + 4, row.text, Anchor::start, "muted");
    if (!std::isfinite(row.value) || !std::isfinite(row.low) || !std::isfinite(row.high)) continue;
    svg.line(at(row.low), y, at(row.high), y, "bar line1");
    svg.line(at(row.low), y - 4, at(row.low), y + 4, "bar line1");
    svg.line(at(row.high), y - 4, at(row.high), y + 4, "bar line1");
    const bool clear = row.low > 0 || row.high < 0;
    svg.rectangle(at(row.value) - 4.5, y - 4.5, 9, 9, clear ? "mark fill1" : "hollow line1",
                  row.name + ": " + row.text);
  }
  return svg;
}

}  // namespace firn::cli::report
