// Tables of numbers with a label.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "data/options.h"

namespace firn {

/// Rows of features (N, F) and the label of each row, as it is written.
struct CsvTable {
  Index features = 0;
  std::vector<float> values;
  std::vector<std::string> labels;
};

/// Lines of fields parted by commas, or by semicolons where the first line has no comma; fields may stand in
/// double quotes ("" is one quote), but not go on in the next line; empty lines are passed over. The first
/// line is a header when one of its fields is `label`, or one but the last is no number. The label is the
/// column named `label`, else the last; all others are finite numbers. Throws Error(data) with the offset on
/// anything else, with the line on what is not UTF-8; `path` is named.
CsvTable parse_csv(std::span<const std::byte> bytes, const std::string& path);

/// A .csv file (.gz too), or a folder with train.csv and test.csv. Classes
/// are the labels, sorted as numbers when all are whole numbers, else by name; at most 10,000.
DataParts open_csv(const std::string& path, const DataOptions& options);

/// Whether `path` is such a file or folder.
bool is_csv(const std::string& path);

}  // namespace firn
