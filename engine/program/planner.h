// Orders the nodes of a graph into steps and gives every value its place in memory.
#pragma once

#include <vector>

#include "engine/program/plan.h"

namespace firn {

struct PlanOptions {
  Index slice_rows = 0;              ///< samples of a slice; 0: chosen by the batch and the operations
  const Kernels* kernels = nullptr;  ///< that the steps call
  bool training =
      false;  ///< parameters that train change with every run; without it all parameters are constant
  std::vector<Value> gradients = {};  ///< among what is kept: these lie in one piece, in this order
  bool ranks = false;  ///< several share the program: parts of `sums_for_the_end` are kept to the end too
};

/// Plans the nodes that are live. Values in `keep` survive the run in shared memory. Every place, cut and
/// order is a function of the graph alone. Adds nodes to it for what is computed again.
Plan make_plan(Graph& graph, const std::vector<bool>& live, const std::vector<Value>& keep,
               const PlanOptions& options);

}  // namespace firn
