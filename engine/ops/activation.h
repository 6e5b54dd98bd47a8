#pragma once

#include "engine/graph/graph.h"
#include "engine/kernels/gemm.h"

namespace firn {

/// y = activation(x), element by element; the formulas stand at `Activation`.
/// `slope` is that of leaky_relu below zero, of hard_sigmoid, or where relu_to ends. Keeps y for the
/// backward, or x for gelu, gelu_tanh, silu and hard_swish.
Value activate(Graph& graph, Activation activation, Value x, real slope = real(0.01));

}  // namespace firn
