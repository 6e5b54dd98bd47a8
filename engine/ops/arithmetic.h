#pragma once

#include "engine/graph/graph.h"

namespace firn {

/// y = a + b, of the same shape; or b of the shape of a's last dimensions, added to each row.
Value add(Graph& graph, Value a, Value b);
/// y = a - b, of the same shape.
Value subtract(Graph& graph, Value a, Value b);
/// y = a * b, element by element, of the same shape.
Value multiply(Graph& graph, Value a, Value b);
/// y = factor * x
Value scale(Graph& graph, Value x, real factor);

}  // namespace firn
