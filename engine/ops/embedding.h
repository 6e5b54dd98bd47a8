#pragma once

#include "engine/graph/graph.h"

namespace firn {

/// y (N,T,F) = rows of table (V,F) that tokens (N,T) name. Tokens outside [0, V) are the caller's fault:
/// whoever makes batches checks them.
Value embedding(Graph& graph, Value tokens, Value table);

}  // namespace firn
