// Labelled lines of text.
#pragma once

#include <string>

#include "data/dataset.h"
#include "data/options.h"
#include "data/table_text.h"

namespace firn {

constexpr Index kMaxTokens = 16384;  ///< of a text

/// A table of labels and texts (data/text_table.h) to tokens (data/token_rule.h). Classes are the sorted
/// labels; the vocabulary is the sorted set of all tokens counted from 1, 0 is padding. Texts without a token
/// are counted and left out. Tokens that are too many for `options.memory` are written into a file in
/// `options.store`, which is said before. Throws Error(data) on a text of more than kMaxTokens, and what the
/// table throws. `path` is named in errors.
DatasetPtr parse_tsv(const TableText& text, const std::string& path, const DataOptions& options = {});

/// A .tsv file, or a .csv with a text column (.gz too), or a folder with exactly one .tsv or with train.tsv
/// and others named after their parts. What is too large for `options.memory` is read in parts.
DataParts open_tsv(const std::string& path, const DataOptions& options);

/// Whether `path` is a .tsv file or such a folder.
bool is_tsv(const std::string& path);
/// Whether `path` is a .csv file, or a folder of such parts, whose header names a label and a text.
bool is_csv_of_texts(const std::string& path);

}  // namespace firn
