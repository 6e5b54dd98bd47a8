// Tables of numbers with a label.
#pragma once

#include <span>
#include <string>
#include <utility>
#include <vector>

#include "data/csv_columns.h"
#include "data/dataset.h"
#include "data/options.h"

namespace firn {

/// Rows of features (N, F) and the label of each row.
struct CsvTable {
  CsvSurvey survey;  ///< its `text` is not kept
  CsvColumns columns;
  Index rows = 0;
  std::vector<float> values;        ///< empty where all features are whole numbers from 0 to 255
  std::vector<std::uint8_t> bytes;  ///< the features then
  FileReaderPtr file;               ///< holds those or these, floats or bytes, where they are too large
  bool file_of_bytes = false;
  std::vector<std::int32_t> labels;  ///< positions in `classes`; empty: the table has none
  std::vector<double> targets;       ///< of the columns that are targets, row after row
  std::vector<std::string> groups;   ///< of each row, where a column says them
  std::vector<std::string> classes;  ///< as written, in the order in which they come
  std::vector<std::string> notes;    ///< rows that were left out
  /// The rows that do not stand in the line behind the one before, and theirs.
  std::vector<std::pair<Index, std::uint64_t>> jumps;
};

/// Reads a table as `survey_csv` and `choose_columns` understand it, or with `before` as that table was
/// understood. A row that lacks the value of a feature or the label is left out and noted; with
/// `options.unlabelled` it is refused, and so is everything where more than half of the rows lack a value. A
/// number so small that it rounds to 0 is 0. Throws Error(data) with the line on anything else that is no
/// number, or infinite; `path` is named. Features that are too large for `options.memory` are written into a
/// file in `options.store`, which is said before.
CsvTable parse_csv(const TableText& text, const std::string& path, const DataOptions& options = {},
                   const CsvTable* before = nullptr, const std::string& path_before = {});

/// A .csv file (.gz too); or a folder with train.csv and test.csv, either or both, and validation.csv. Labels
/// are equal by value: "1", "1.0" and " 1" where all are numbers. Classes are sorted as numbers then, else by
/// name; at most 10,000. A label that measures (numbers that are not whole or hardly recur) is refused where
/// the task of `options` is not regression; that and labels give the columns that `choose_columns` has as
/// targets. A file too large for `options.memory` is read in parts.
DataParts open_csv(const std::string& path, const DataOptions& options);

/// Whether `path` is such a file or folder.
bool is_csv(const std::string& path);

}  // namespace firn
