// Time series as the UEA and UCR archives write them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "data/label_names.h"
#include "data/options.h"
#include "data/table_text.h"

namespace firn {

/// The series of a .ts file.
struct TsFile {
  Index dimensions = 1;
  std::vector<float> values;  ///< step after step, `dimensions` each
  FileReaderPtr file;         ///< holds them instead where they are too many
  std::vector<Index> starts;  ///< the first step of each series, and the end of the last
  TextLabels labels;          ///< those that the header names are among its classes; empty: the file has none
  std::vector<std::string> notes;

  Index size() const { return static_cast<Index>(starts.size()) - 1; }
};

/// Lines of `@tag value`, then `@data` and a series a line: its dimensions parted by colons, the values of
/// each by commas, the class last where `@classLabel true` says so. Series may differ in length; the
/// dimensions of one may not. A missing value (? or NaN) at the end of all dimensions ends the series; others
/// are filled in on the straight line between their neighbours, which is noted. Throws Error(data) with the
/// line on anything else, on time stamps and on targets that are no classes. Numbers that are too many for
/// `options.memory` are written into a file in `options.store`, which is said before.
TsFile parse_ts(const TableText& text, const std::string& path, const DataOptions& options = {});

/// NAME.ts; NAME_TRAIN.ts, with NAME_TEST.ts where that lies beside it; NAME_TEST.ts alone; or a folder with
/// such a pair. What is too large for `options.memory` is read in parts.
DataParts open_ts(const std::string& path, const DataOptions& options);

bool is_ts(const std::string& path);

}  // namespace firn
