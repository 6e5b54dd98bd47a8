// Chooses how each node is computed.
#pragma once

#include "engine/graph/graph.h"
#include "engine/kernels/kernels.h"

namespace firn {

/// Puts in the place of every operation that says what and not how (`Abstract`) the cheapest of its
/// implementations that fits, and before it what that needs prepared, such as a packed weight. A function of
/// the graph and the instruction set. Values stay valid; nodes are numbered anew.
void select(Graph& graph, const Kernels& kernels);

}  // namespace firn
