// The graph of a training step as its forward pass sees it: with each operation what is computed for it,
// forward and backward, and what is not.
#pragma once

#include <string>
#include <vector>

#include "engine/program/program.h"

namespace firn::cli {

/// One kernel call of a step that belongs to a node.
struct NodeCall {
  const Node* node = nullptr;
  bool once = false;  ///< computed before the first step: depends on nothing that trains
};

/// An operation of the forward pass.
struct StepNode {
  const Node* node = nullptr;
  std::vector<std::size_t> reads;       ///< the nodes, among those before it, whose values it reads
  std::vector<std::string> feeds;       ///< what is fed that it reads: "x"
  std::vector<std::string> parameters;  ///< the parameters that it reads, statistics among them
  std::vector<NodeCall> helpers;        ///< forward calls that serve it alone: packing, moments
  std::vector<NodeCall> backward;       ///< in the order of computing
  std::vector<LeftOut> left_out;
};

/// A node for each of `program.values()`, in their order; the program must have kept them.
std::vector<StepNode> step_graph(const Program& program);

}  // namespace firn::cli
