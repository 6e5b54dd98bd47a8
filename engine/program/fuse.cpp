#include "engine/program/fuse.h"

#include <algorithm>

namespace firn {

namespace {

/// The one reader of each node's output 0; null where there are none or several.
std::vector<Node*> only_readers(const Graph& graph, const std::vector<bool>& live,
                                const std::vector<Value>& keep) {
  std::vector<int> reads(graph.nodes().size(), 0);
  std::vector<Node*> reader(graph.nodes().size(), nullptr);
  for (const auto& node : graph.nodes()) {
    if (!live[node->index()]) continue;
    for (const Value& input : node->inputs()) {
      ++reads[input.node->index()];
      if (input.output == 0) reader[input.node->index()] = node.get();
    }
  }
  for (const Value& value : keep) ++reads[value.node->index()];
  for (std::size_t i = 0; i < reads.size(); ++i) {
    if (reads[i] != 1) reader[i] = nullptr;
  }
  return reader;
}

/// Lets a node's operation compute such of its inputs itself as it can.
void absorb_inputs(Graph& graph, Node& node) {
  for (std::size_t i = 0; i < node.inputs().size(); ++i) {
    const Fused fused = node.op()->absorb_input(node, i);
    if (!fused.op) continue;
    std::vector<Value> inputs = node.inputs();
    inputs[i] = fused.extra_inputs[0];
    inputs.insert(inputs.end(), fused.extra_inputs.begin() + 1, fused.extra_inputs.end());
    graph.replace(node, fused.op, std::move(inputs), node);
  }
}

/// What nobody reads any more is not computed; a feed must exist to be fed.
void drop_unread(const Graph& graph, std::vector<bool>& live, const std::vector<Value>& keep) {
  std::vector<bool> read(live.size(), false);
  for (const Value& value : keep) read[value.node->index()] = true;
  for (std::size_t i = live.size(); i-- > 0;) {
    const Node& node = *graph.nodes()[i];
    live[i] = live[i] && (read[i] || node.assigns() || node.is_feed());
    if (!live[i]) continue;
    for (const Value& input : node.inputs()) read[input.node->index()] = true;
  }
}

}  // namespace

void fuse(Graph& graph, std::vector<bool>& live, const std::vector<Value>& keep) {
  std::vector<Node*> reader = only_readers(graph, live, keep);
  for (std::size_t i = 0; i < graph.nodes().size(); ++i) {
    if (!live[i] || graph.nodes()[i]->op() == nullptr) continue;
    // The fused node takes the place of the last one absorbed, so that all of its inputs come before it.
    Node* head = graph.nodes()[i].get();
    while (Node* next = reader[head->index()]) {
      if (next->op() == nullptr || next->outputs().size() != 1 || next->assigns()) break;
      const Fused fused = head->op()->absorb(*head, *next);
      if (!fused.op) break;
      std::vector<Value> inputs = head->inputs();
      inputs.insert(inputs.end(), fused.extra_inputs.begin(), fused.extra_inputs.end());
      graph.replace(*next, fused.op, std::move(inputs), *head);
      live[head->index()] = false;
      head = next;
    }
  }
  for (std::size_t i = 0; i < graph.nodes().size(); ++i) {
    if (live[i] && graph.nodes()[i]->op() != nullptr) absorb_inputs(graph, *graph.nodes()[i]);
  }
  drop_unread(graph, live, keep);
}

}  // namespace firn
