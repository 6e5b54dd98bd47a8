// Computes cheap values again where they are read late, instead of keeping them.
#pragma once

#include <vector>

#include "engine/program/plan.h"

namespace firn {

/// Where a region reads a value that an earlier region has made by a cheap operation (`Op::recomputable`)
/// from values that are kept until then anyway, its slices compute the value again, each for itself, and
/// nothing keeps it in between (Chen et al. 2016, "Training deep nets with sublinear memory cost"). What is
/// computed again may in turn read one such value, not a longer chain of them. Adds nodes to the graph and
/// steps to the plan.
void recompute(Graph& graph, Plan& plan, const std::vector<Value>& keep);

}  // namespace firn
