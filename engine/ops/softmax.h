#pragma once

#include "engine/graph/graph.h"

namespace firn {

/// y = exp(x - max) / sum over the last dimension. Keeps y.
Value softmax(Graph& graph, Value x);

}  // namespace firn
