// Pulls operations into the kernels before them.
#pragma once

#include <vector>

#include "engine/graph/graph.h"

namespace firn {

/// Where a node's output is read by one node alone, and its operation can absorb that node, the two become
/// one. `live[id]` says which nodes count; absorbed ones are cleared in it. Values named in `keep` stay. Then
/// operations compute such of their inputs themselves as they can (`Op::absorb_input`).
void fuse(Graph& graph, std::vector<bool>& live, const std::vector<Value>& keep);

}  // namespace firn
