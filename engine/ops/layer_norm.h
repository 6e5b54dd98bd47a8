#pragma once

#include "engine/graph/graph.h"

namespace firn {

/// Layer norm over the last dimension of x (...,F) with gamma and beta (F) (Ba, Kiros, Hinton 2016).
/// Keeps x and two numbers a row; nothing when beta alone trains.
Value layer_norm(Graph& graph, Value x, Value gamma, Value beta, real epsilon);

}  // namespace firn
