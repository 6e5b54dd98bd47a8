#pragma once

#include <vector>

#include "engine/graph/graph.h"

namespace firn {

struct CrossEntropyOptions {
  real smoothing = 0;               ///< s: the target is (1-s)*onehot + s/classes (Szegedy 2016, section 7)
  std::vector<real> class_weights;  ///< one a class, or none
  bool ignore_negative = false;     ///< rows with a negative label count for nothing
};

/// The mean over all rows of -sum target * log softmax(logits), a scalar; logits (N,C) or (N,T,C), labels (N)
/// or (N,T). With weights or ignored rows the sum of the weighted losses over the sum of the weights, as
/// PyTorch has it.
Value softmax_cross_entropy(Graph& graph, Value logits, Value labels,
                            const CrossEntropyOptions& options = {});

/// The mean of the binary cross-entropies of sigmoid(logits) against targets in [0,1] of the same shape.
Value binary_cross_entropy(Graph& graph, Value logits, Value targets);

/// The mean of (x - target)^2.
Value mean_squared_error(Graph& graph, Value x, Value targets);

}  // namespace firn
