// What the dimensions of an array of samples, and of an array of labels, stand for.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "data/file_set.h"
#include "data/label_names.h"
#include "data/npy_array.h"
#include "data/options.h"

namespace firn {

/// The samples of one part as they are kept: bytes where the elements were such, else floats.
struct NpySamples {
  DataKind kind = DataKind::vector;
  Shape shape;         ///< of a sample
  std::string layout;  ///< nhwc, nchw, nhw, ntf, nft; empty for vectors
  std::string why;     ///< what made it so: "3 channels", "--layout"
  Index count = 0;
  std::vector<float> values;
  std::vector<std::uint8_t> bytes;
  std::vector<std::int32_t> tokens;  ///< by their numbers, where weights read such
  int white = 1;                     ///< bytes b are read as b / white
  std::vector<Index> lengths;        ///< of sequences that are cut short; empty: all as long as shape[0]
  FileRows rows;                     ///< where they stay in their file; then there are no values and no bytes
  bool in_bytes = false;             ///< of them
};

/// Reads an array of samples:
/// - (N,F) are vectors.
/// - (N,H,W,C) and (N,C,H,W) are pictures: the dimension that is 1 or 3 is C, else the one that is not equal
/// to
///   its two neighbours.
/// - (N,H,W) of bytes or bools are grey pictures.
/// - (N,T,F) of numbers are sequences, unless both are alike and at least 8: then it may be either.
/// - (N,T) of whole numbers are tokens where the weights that are used read tokens.
/// `options.layout` decides (nhwc, nchw, which for weights of sequences says their layout; nhw: grey
/// pictures, ntf: sequences, nft: sequences with the steps last), and where that and the shape say nothing
/// `options.trained_layout`. Where both readings fit Error(data) names them. uint8 pictures are read as 0 to
/// 1, everything else as it is. A last step of nothing but NaN is none: the sequence is shorter; any other
/// number that is not finite is refused with its sample.
NpySamples read_samples(const NpyArray& array, const DataOptions& options, const std::string& path);
/// The same of a file in which the samples stay; looks at all of its numbers. Nothing where its elements do
/// not lie as samples do.
std::optional<NpySamples> samples_in_file(const std::string& path, const DataOptions& options);

/// The lengths of sequences: (N) or (N,1) whole numbers from 1 to the number of steps.
void set_lengths(NpySamples& samples, const NpyArray& lengths, const std::string& path);

/// The labels of `count` samples: numbers or texts as (N), (N,1) or (1,N), or one-hot rows (N,C), whose
/// classes are 0 to C-1. Throws Error(data) on others, and on numbers that measure something.
TextLabels read_labels(const NpyArray& array, Index count, const std::string& path);

/// Targets of `count` samples: (N), or (N,K) finite numbers, row after row.
std::vector<double> read_targets(const NpyArray& array, Index count, const std::string& path);

/// The dataset of such samples with labels, which were read from `file`. `info.shape` may have more steps
/// than they.
DatasetPtr make_npy_set(const DataInfo& info, NpySamples samples, std::vector<std::int32_t> labels,
                        const std::string& file);

}  // namespace firn
