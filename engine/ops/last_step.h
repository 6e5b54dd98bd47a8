#pragma once

#include "engine/graph/graph.h"

namespace firn {

/// y (N,F) = x[n, lengths[n] - 1], or the last step without lengths; with `first`, x[n, 0]. A length of 0
/// gives step 0.
Value last_step(Graph& graph, Value x, Value lengths = {}, bool first = false);

}  // namespace firn
