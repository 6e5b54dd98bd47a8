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

/// Whether a weight's gradient is better summed from parts of the batch, each one made by the thread that has
/// the slice, than cut into pieces of the weight: true where the parts together are no larger than x and dy,
/// from which it is computed. A function of the shapes alone.
bool sums_by_parts(Index weight_count, Value x, Value dy);

/// Whether as many copies of a weight as a batch usually has slices are no larger than `elements`.
bool small_in_parts(Index weight_count, Index elements);

/// The sum of the parts of a value with a slice axis, in the order of the slices.
Value reduce_parts(Graph& graph, Value parts);

}  // namespace firn
