// A table of numbers as colours: accuracies by cut and labels, confusions.
#pragma once

#include <string>
#include <vector>

#include "tools/app/report/svg.h"

namespace firn::cli::report {

struct HeatMap {
  std::string title;
  std::string description;  ///< one sentence for those who cannot see it
  std::string row_title = {}, column_title = {};
  std::vector<std::string> rows = {}, columns = {};
  /// rows x columns; one that is not finite is left empty.
  std::vector<double> values = {};
  /// What stands in a cell, likewise; empty: nothing.
  std::vector<std::string> texts = {};
  /// Cells with a border, by number: the best of each row.
  std::vector<std::size_t> marked = {};
  /// Values that have the first and the last colour; equal: the least and the greatest of `values`.
  double low = 0, high = 0;
  /// Pixels of a cell.
  double cell_width = 76, cell_height = 34;
};

/// Throws Error(failure) when `values` or `texts` are not rows x columns.
Svg draw(const HeatMap& map);

}  // namespace firn::cli::report
