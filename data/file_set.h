// Datasets whose samples stay in their file.
#pragma once

#include <cstdint>
#include <vector>

#include "data/file_reader.h"
#include "data/labelled.h"

namespace firn {

/// The samples of a file, one behind the other from `offset` on.
struct FileRows {
  FileReaderPtr file;
  std::uint64_t offset = 0;
  std::vector<std::uint32_t> rows = {};  ///< the place of each sample among them; empty: in their order
};

/// As `make_byte_images`, the same numbers. Throws Error(usage) where the file is too short.
DatasetPtr make_file_images(DataInfo info, FileRows pixels, std::vector<std::int32_t> labels,
                            int white = 255);

/// As `make_numbers`, or where there are `lengths` or the shape has more steps than `row` numbers as
/// `make_sequences`, of floats in this machine's order, `row` a sample. Steps behind a sample's length count
/// as zeros.
DatasetPtr make_file_numbers(DataInfo info, FileRows numbers, Index row, std::vector<Index> lengths,
                             std::vector<std::int32_t> labels, Places places = {});

/// As `make_sequences`, of floats that lie in `values` as they would in memory.
DatasetPtr make_file_sequences(DataInfo info, FileReaderPtr values, std::vector<Index> starts,
                               std::vector<std::int32_t> labels, Places places = {});

/// As `make_tokens`, of indices that lie in `tokens` as they would in memory; number t of the file stands for
/// `order[t]`.
DatasetPtr make_file_tokens(DataInfo info, FileReaderPtr tokens, std::vector<std::int32_t> order,
                            std::vector<Index> starts, std::vector<std::int32_t> labels, Index longest = 0);

}  // namespace firn
