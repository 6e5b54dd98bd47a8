// Differences with their intervals, one under the other: a forest plot.
#pragma once

#include <string>
#include <vector>

#include "tools/app/report/plot.h"

namespace firn::cli::report {

struct ForestRow {
  std::string name;
  double value = 0, low = 0, high = 0;
  std::string text;  ///< stands at the right
};

struct Forest {
  std::string title, description;
  std::string axis;  ///< what the numbers are: "accuracy against full tuning"
  std::vector<ForestRow> rows = {};
};

/// A row's mark is filled where its interval lies on one side of 0, else empty. Rows that are not finite show
/// their text alone.
Svg draw(const Forest& forest);

}  // namespace firn::cli::report
