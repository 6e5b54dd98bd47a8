#pragma once

#include <span>
#include <vector>

#include "engine/graph/graph.h"

namespace firn {

/// The same elements under another shape of the same count; the batch stays the first dimension. Costs
/// nothing.
Value reshape(Graph& graph, Value x, Shape shape);
/// (N,...) to (N, rest).
Value flatten(Graph& graph, Value x);

/// Values that differ in the size of one axis alone, one behind the other along it; not the batch's axis.
Value concatenate(Graph& graph, std::span<const Value> values, int axis);

/// Of axis `axis` the places begin, begin + step, ... below end; not the batch's axis.
Value slice(Graph& graph, Value x, int axis, Index begin, Index end, Index step = 1);

/// y (N,T,...) = x where t < lengths[n], else zero; lengths (N) indices. Keeps nothing.
Value mask_steps(Graph& graph, Value x, Value lengths);

/// Zeros before and behind the places of an axis; not the batch's axis.
Value pad(Graph& graph, Value x, int axis, Index before, Index behind);

/// Zeros between the places of an axis, which lie `step` apart then; not the batch's axis.
Value spread_places(Graph& graph, Value x, int axis, Index step);

/// The axes in another order: axis i of y is axis order[i] of x; the batch stays the first.
Value permute(Graph& graph, Value x, const std::vector<int>& order);

}  // namespace firn
