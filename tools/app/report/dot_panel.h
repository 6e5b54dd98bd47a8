// Choices one under the other, each with what it freezes, its score with an interval, and what it costs.
#pragma once

#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/real.h"
#include "tools/app/report/svg.h"

namespace firn::cli::report {

struct DotRow {
  struct Dot {
    double value = 0, low = 0, high = 0;  ///< an empty interval (0, 0): none is drawn
    std::string css_class;                ///< of the dot and its interval
    std::string tooltip;
  };
  std::string name;
  std::string css_class = {};
  Index blocks = 0, frozen = 0;  ///< a strip of blocks, those that are frozen in ice; 0 blocks: none
  std::vector<Dot> dots = {};
  double cost = std::numeric_limits<double>::quiet_NaN();  ///< a bar; not finite: none
  std::string cost_text = {};
  bool strong = false;  ///< set off
};

/// Panels beside each other are compared: they are to have one scale.
struct DotPanel {
  std::string title, description;
  std::string score, cost;               ///< what the dots and the bars are
  double low = 0, high = 1;              ///< shares, the ends of the scale, where intervals are cut off
  double most_cost = 1;                  ///< of the longest bar
  std::optional<double> reference = {};  ///< an upright line
  std::vector<DotRow> rows = {};
};

/// 352 pixels wide, so that it stands on a telephone whole.
Svg draw(const DotPanel& panel);

}  // namespace firn::cli::report
