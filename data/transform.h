// What is done to a sample on its way into a batch.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "data/dataset.h"

namespace firn {

/// y[c] = (scale · x[c] - mean[c]) / deviation[c], after the channels are reversed where `bgr` is set (so
/// that mean and deviation stand in the order the model sees). Empty lists mean 0 and 1. The channel is the
/// last dimension.
struct Preprocess {
  double scale = 1;
  std::vector<double> mean = {};
  std::vector<double> deviation = {};
  bool bgr = false;
};

/// Mean and deviation of each channel (of each feature, for vectors) over all samples, sequences over their
/// own lengths. A channel that never changes gets deviation 1. A token set gives an empty `Preprocess`.
Preprocess standardise(const Dataset& data);

/// Throws Error(usage) when the lists do not fit the channels of `info` or hold a deviation that is not
/// positive.
void check_preprocess(const Preprocess& preprocess, const DataInfo& info);

/// Applies `preprocess` to the first `values.size() / channels` positions in place.
void apply(const Preprocess& preprocess, Index channels, std::span<real> values);

}  // namespace firn
