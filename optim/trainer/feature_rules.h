// Whether what a frozen prefix gives can stand in for the prefix, told from the graphs on both sides of it.
#pragma once

#include <string>

#include "engine/graph/graph.h"

namespace firn {

/// Why what a graph computes in training is not a function of the sample alone; empty: it is.
std::string not_a_function(const Graph& graph);

/// Whether what alone reads `features`, which the graph is fed, would be pulled into the kernel that makes
/// them, which may round otherwise.
bool fused_across(const Graph& graph, Value features);

/// Whether the features themselves, rounded on the way, are what a step behind them reads as narrow numbers:
/// a frozen one, or where all of the graph's are narrow any. Whole ones are then not the same.
bool rounded_behind(const Graph& graph, Value features);

}  // namespace firn
