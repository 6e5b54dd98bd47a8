#include "engine/program/select.h"

#include "engine/ops/implementation.h"
#include "engine/program/lower.h"

namespace firn {

namespace {

const Implementation* cheapest(const Abstract& op, const Choice& choice) {
  const Implementation* best = nullptr;
  double least = 0;
  for (const Implementation* one : op.implementations()) {
    if (!one->fits(choice)) continue;
    const double cost = one->cost(choice);
    if (best != nullptr && !(cost < least)) continue;
    best = one;
    least = cost;
  }
  return best;
}

Narrowing narrowing_of(const Graph& graph, const Node& node, const Abstract& op) {
  const bool product = op.traits().narrowing == Narrowing::multiplies || op.multiplies_inside();
  return product && product_type(graph, node) != DType::number ? Narrowing::multiplies : Narrowing::none;
}

}  // namespace

void select(Graph& graph, const Kernels& kernels) {
  std::vector<Node*> nodes;
  for (const auto& node : graph.nodes()) nodes.push_back(node.get());
  for (Node* node : nodes) {
    const auto* op = dynamic_cast<const Abstract*>(node->op());
    if (op == nullptr) continue;
    const Choice choice{graph, *node, kernels, narrowing_of(graph, *node, *op)};
    Chosen chosen = cheapest(*op, choice)->make(choice);
    graph.replace(*node, std::move(chosen.op), std::move(chosen.inputs), *node);
  }
}

}  // namespace firn
