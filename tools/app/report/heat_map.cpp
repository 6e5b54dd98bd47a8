#include "tools/app/report/heat_map.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "engine/base/error.h"

namespace firn::cli::report {

namespace {

using Anchor = Svg::Anchor;

/// The number of a value's colour.
int colour_of(double value, double low, double high) {
  if (!(high > low)) return 0;
  const double part = (value - low) / (high - low);
  return std::clamp(static_cast<int>(part * kHeatColours), 0, kHeatColours - 1);
}

}  // namespace

Svg draw(const HeatMap& map) {
  const std::size_t rows = map.rows.size(), columns = map.columns.size(), cells = rows * columns;
  if (map.values.size() != cells || (!map.texts.empty() && map.texts.size() != cells)) {
    throw Error(Fault::failure, "heat map",
                fmt::format("{} values and {} texts for {} x {} cells", map.values.size(), map.texts.size(),
                            rows, columns));
  }
  double low = map.low, high = map.high;
  if (low == high) {
    low = std::numeric_limits<double>::infinity();
    high = -low;
    for (const double value : map.values) {
      if (!std::isfinite(value)) continue;
      low = std::min(low, value);
      high = std::max(high, value);
    }
  }
  double names = 0;
  for (const std::string& row : map.rows) names = std::max(names, text_width(row));
  const double left = 34 + names + 12, top = 66;
  const double width = std::max(left + map.cell_width * static_cast<double>(columns) + 16,
                                left + text_width(map.title) * 1.15 + 16);
  const double height = top + map.cell_height * static_cast<double>(rows) + 14;
  Svg svg(width, height, map.title, map.description);
  svg.text(left, 18, map.title, Anchor::start, "strong");
  svg.text(left + map.cell_width * static_cast<double>(columns) / 2, 38, map.column_title, Anchor::middle);
  svg.upright_text(16, top + map.cell_height * static_cast<double>(rows) / 2, map.row_title);
  for (std::size_t c = 0; c < columns; ++c) {
    svg.text(left + map.cell_width * (static_cast<double>(c) + 0.5), top - 9, map.columns[c], Anchor::middle,
             "muted");
  }
  for (std::size_t r = 0; r < rows; ++r) {
    const double y = top + map.cell_height * static_cast<double>(r);
    svg.text(left - 10, y + map.cell_height / 2 + 4, map.rows[r], Anchor::end, "muted");
    for (std::size_t c = 0; c < columns; ++c) {
      const std::size_t at = r * columns + c;
      if (!std::isfinite(map.values[at])) continue;
      const double x = left + map.cell_width * static_cast<double>(c);
      const int colour = colour_of(map.values[at], low, high);
      const bool marked = std::find(map.marked.begin(), map.marked.end(), at) != map.marked.end();
      const std::string words = map.texts.empty() ? "" : map.texts[at];
      const double inset = marked ? 1 : 0;
      svg.rectangle(x + inset, y + inset, map.cell_width - 2 * inset, map.cell_height - 2 * inset,
                    fmt::format("cell heat{}{}", colour, marked ? " marked" : ""),
                    fmt::format("{}, {}: {}", map.rows[r], map.columns[c],
                                words.empty() ? fmt::format("{:g}", map.values[at]) : words));
      if (!words.empty()) {
        svg.text(x + map.cell_width / 2, y + map.cell_height / 2 + 4, words, Anchor::middle,
                 colour > 5 ? "high-ink" : "low-ink");
      }
    }
  }
  return svg;
}

}  // namespace firn::cli::report
