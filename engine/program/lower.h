// Types of values: which are narrow, and the conversions that this takes.
#pragma once

#include <vector>

#include "engine/graph/graph.h"
#include "engine/kernels/kernels.h"

namespace firn {

/// The type of the numbers that a product multiplies: `NumberTypes::all`, or of a forward pass with nothing
/// that trains below its operands, inputs 0 and 1, `frozen` where that is narrower.
DType product_type(const Graph& graph, const Node& product);

/// After fusion: what operations hand to each other becomes bf16 in memory where the graph's types say so;
/// products read their operands rounded to bf16, whatever memory holds. A value stays fp32 where anybody
/// reads it who cannot convert: losses, recurrent cells, the user; in a frozen prefix the part that trains.
/// Weights are rounded where they are packed, sums are fp32. Forward pass and gradients have the same rules.
void lower(Graph& graph, const std::vector<bool>& used, const std::vector<Value>& keep,
           const Kernels& kernels);

}  // namespace firn
