// Labelled lines of text.
#pragma once

#include <span>
#include <string>

#include "data/dataset.h"
#include "data/options.h"

namespace firn {

constexpr Index kMaxCharacters = 16384;  ///< of a line

/// Lines "label TAB text" in UTF-8 to character tokens. Classes are the sorted labels; the vocabulary is the
/// sorted set of all characters counted from 1, 0 is padding. Empty lines are passed over. Throws Error(data)
/// on a line without tab, label or text, on one of more than kMaxCharacters, and on what is not UTF-8. `path`
/// is named in errors.
DatasetPtr parse_tsv(std::span<const std::byte> bytes, const std::string& path);

/// A .tsv file (.gz too), or a folder with exactly one.
DataParts open_tsv(const std::string& path, const DataOptions& options);

/// Whether `path` is such a file or folder.
bool is_tsv(const std::string& path);

}  // namespace firn
