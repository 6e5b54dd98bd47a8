// Inputs of a network of others that are no samples: the states that its recurrent layers begin with.
#pragma once

#include <string>
#include <vector>

#include "layers/foreign/foreign_graph.h"

namespace firn {

/// A tensor that is fed.
struct ForeignInput {
  int value = -1;
  std::string name;
  std::vector<Index> sizes;
  bool tokens = false;
};

/// Sets the graph's input to the one of `inputs` that is more than states of recurrent layers; what the
/// others flow into before they get there becomes `states` of the graph, with a note. Several that are more,
/// or none: false, and nothing is changed.
bool choose_input(ForeignGraph& graph, const std::vector<ForeignInput>& inputs);

}  // namespace firn
