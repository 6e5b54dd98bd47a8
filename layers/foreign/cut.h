// A part of a foreign network: from one node to another.
#pragma once

#include <string>

#include "engine/tensor/shape.h"
#include "layers/foreign/foreign_graph.h"

namespace firn {

/// Where a network is cut when it is read; empty: where the file has it begin and end. A node's name, or that
/// of a module ("layer1.0"), of which `from` takes the first node and `to` the last.
struct NetworkCut {
  std::string from;  ///< the network begins with what this node reads
  std::string to;    ///< it ends with what this node gives
  bool any() const { return !from.empty() || !to.empty(); }
};

/// Leaves the nodes between. The sizes of what enters are those that the file says, or `sample`'s: images
/// (H,W,C), sequences (T,F), rows (F). Throws Error(usage) naming the nearest node for a name that none has,
/// and where sizes are not known.
void cut_network(ForeignGraph& graph, const NetworkCut& cut, const Shape& sample);

}  // namespace firn
