#pragma once

#include "engine/graph/graph.h"

namespace firn {

/// y = x - max - log(sum of exp(x - max)) over the last dimension. Keeps y.
Value log_softmax(Graph& graph, Value x);

}  // namespace firn
