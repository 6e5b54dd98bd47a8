// Adds to a graph the gradients of the parameters that train, and nothing else.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/graph/graph.h"

namespace firn {

/// Work that a full training step would hold and this one does not.
struct LeftOut {
  std::string label;  ///< the layer
  int block = -1;
  Pass pass = Pass::weight_gradient;
  std::string what;    ///< "weight gradient of conv1.weight"
  std::string reason;  ///< "frozen", "nothing below it trains"
  double macs = 0;
  const Node* node = nullptr;  ///< of the forward pass, of the program's graph
};

/// The gradient of a parameter; of a compact shape where only a part of it trains.
struct ParameterGradient {
  ParameterPtr parameter;
  Value value;
  std::optional<TrainableRanges> trains;  ///< that part
};

/// The gradient of a value of the forward pass.
struct ValueGradient {
  Value value;
  Value gradient;  ///< none where nothing below it trains
};

struct Derivatives {
  std::vector<ParameterGradient> gradients;  ///< in the order of the parameters' first use
  std::vector<ValueGradient> values;         ///< of operations, in the order of computing
  std::vector<LeftOut> left_out;
};

/// Reverse-mode differentiation of the scalar `loss`. A node gets an input gradient only where a trainable
/// parameter lies below that input, a weight gradient only where that parameter trains, and only for the
/// units of it that do. Throws Error(usage) when the loss is no scalar or when no parameter that it depends
/// on trains.
Derivatives differentiate(Graph& graph, Value loss);

}  // namespace firn
