#pragma once

#include "engine/graph/graph.h"

namespace firn {

/// The sum of all elements, a scalar of shape (). Summed by slices of the batch, then over these in order.
Value sum(Graph& graph, Value x);
/// The mean of all elements, a scalar.
Value mean(Graph& graph, Value x);
/// Sum and mean over one axis, which goes away: (N,T,F) over axis 1 gives (N,F). The axis is not the batch's.
Value sum_over(Graph& graph, Value x, int axis);
Value mean_over(Graph& graph, Value x, int axis);

/// y = numerator / denominator, both scalars; no gradient passes to the denominator.
Value ratio(Graph& graph, Value numerator, Value denominator);

}  // namespace firn
