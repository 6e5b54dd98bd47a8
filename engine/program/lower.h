// Lowers the precision of a frozen prefix.
#pragma once

#include <vector>

#include "engine/graph/graph.h"

namespace firn {

/// Where the graph's frozen precision is bf16, after fusion: what operations of the frozen prefix hand to
/// each other becomes bf16 in memory, and products there read their inputs rounded to bf16. A value stays
/// fp32 where anybody else reads it: the trainable part, the backward pass, the user. Weights are rounded
/// where they are packed.
void lower_frozen(Graph& graph, const std::vector<bool>& trains, const std::vector<Value>& keep);

}  // namespace firn
