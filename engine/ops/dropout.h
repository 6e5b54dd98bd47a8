#pragma once

#include "engine/graph/graph.h"

namespace firn {

/// Inverted dropout (Srivastava 2014): in a graph for training each element is zero with probability p, else
/// divided by 1 - p; the mask is a function of (seed, layer, step, element). Nothing when p = 0, when the
/// graph is for inference, or when nothing below trains, unless the graph's options say that it acts there
/// too. Keeps nothing.
Value dropout(Graph& graph, Value x, real p);

}  // namespace firn
