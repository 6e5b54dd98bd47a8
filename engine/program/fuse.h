// Pulls operations into the kernels before them.
#pragma once

#include <vector>

#include "engine/graph/graph.h"

namespace firn {

/// Where a node's output is read by one node alone, which the node's kernel can apply to its result
/// (`WithEpilogue`, `epilogue_term`), the two become one. `live[id]` says which nodes count; those pulled in
/// are cleared in it. Values named in `keep` stay. Then the gradients of ReLUs go into the operations that
/// read them and can apply them themselves (`WithGate`, `gated_inputs`).
void fuse(Graph& graph, std::vector<bool>& live, const std::vector<Value>& keep);

}  // namespace firn
