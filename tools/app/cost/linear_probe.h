// How well a linear classifier answers from features.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/base/real.h"

namespace firn::cli {

/// Features of samples, row by row, and their classes.
struct FeatureTable {
  Index rows = 0, columns = 0;
  std::vector<real> values;
  std::vector<std::int32_t> labels;
};

/// The share of `held_out` that is answered rightly by W, the ridge regression of one-hot classes on `train`:
/// W = (X^T X + lambda n I)^-1 X^T Y with columns standardised by `train` and lambda = 0.01. Both tables have
/// the same columns. 0 for an empty one.
double linear_probe(const FeatureTable& train, const FeatureTable& held_out, Index classes);

}  // namespace firn::cli
