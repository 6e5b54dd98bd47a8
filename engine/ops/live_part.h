#pragma once

#include "engine/graph/graph.h"

namespace firn {

/// The places of x that `live` names, in the compact shape. Keeps nothing; has no gradient.
Value live_part(Graph& graph, Value x, Live live);

/// Of dy (...,O) the columns whose weight trains: dy itself where `live` is null, the weight trains whole.
/// The weight's live axis is its last one, as wide as dy's.
Value live_columns(Graph& graph, Value dy, const Live* live);

}  // namespace firn
