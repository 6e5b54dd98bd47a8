// How often values are computed.
#pragma once

#include <vector>

#include "engine/graph/graph.h"

namespace firn {

/// When the outputs of a node are other ones.
enum class Time {
  once,    ///< when a parameter that does not train is given other numbers: functions of those and constants
  sample,  ///< with the sample: each is a function of the same sample alone, as features of a frozen part are
  step,    ///< in every run: functions of parameters that train, of several samples, of chance
};

/// Of each node, by its number. `training`: parameters that train change with every run; without it none
/// does. What a node is to assign changes with every run. Nodes that are not `used` count as `step`.
std::vector<Time> times_of(const Graph& graph, const std::vector<bool>& used, bool training);

}  // namespace firn
