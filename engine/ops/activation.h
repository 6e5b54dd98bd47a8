#pragma once

#include "engine/graph/graph.h"
#include "engine/kernels/gemm.h"

namespace firn {

std::string_view activation_name(Activation activation);

/// y = activation(x), element by element; the formulas stand at `Activation`.
/// `slope` is that of leaky_relu below zero. Keeps y for the backward, or x for gelu and silu.
Value activate(Graph& graph, Activation activation, Value x, real slope = real(0.01));

}  // namespace firn
