#pragma once

#include "engine/graph/graph.h"

namespace firn {

/// The places of x that `trains` names, in the compact shape. Keeps nothing; has no gradient.
Value trainable_part(Graph& graph, Value x, TrainableRanges trains);

/// Of dy (...,O) the columns whose weight trains: dy itself where `trains` is null, the weight trains whole.
/// The axis of what trains is its last one, as wide as dy's.
Value trainable_columns(Graph& graph, Value dy, const TrainableRanges* trains);

}  // namespace firn
