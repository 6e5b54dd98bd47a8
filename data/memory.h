// Datasets that lie in memory: what every parser of a file returns.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/labelled.h"

namespace firn {

/// Images of bytes, sample after sample (N,H,W,C); a byte b is read as b / white.
/// All throw Error(usage) when the counts do not fit each other or a label is no class.
DatasetPtr make_byte_images(DataInfo info, std::vector<std::uint8_t> pixels, std::vector<std::int32_t> labels,
                            int white = 255);

/// Images of zeros, which take no memory.
DatasetPtr make_blank_images(DataInfo info, std::vector<std::int32_t> labels);

/// "sample 3 (counted from 0) of FILE".
Places samples_of(const std::string& file);

/// Images, sequences or vectors of numbers (N, info.shape...).
DatasetPtr make_numbers(DataInfo info, std::vector<float> values, std::vector<std::int32_t> labels,
                        Places places = {});

/// Sequences of numbers: the steps of sample i, `info.shape[1]` numbers each, are steps starts[i] up to
/// starts[i + 1], at least one, of `values`. `info.shape[0]` becomes the longest where it is less.
DatasetPtr make_sequences(DataInfo info, std::vector<float> values, std::vector<Index> starts,
                          std::vector<std::int32_t> labels, Places places = {});

/// Token sequences: sample i is tokens[starts[i]] up to tokens[starts[i + 1]], at least one.
/// `info.shape` is set to the longest, or to `longest` where that is more.
DatasetPtr make_tokens(DataInfo info, std::vector<std::int32_t> tokens, std::vector<Index> starts,
                       std::vector<std::int32_t> labels, Index longest = 0);

}  // namespace firn
