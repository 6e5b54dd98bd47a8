#include "engine/program/fuse.h"

#include <algorithm>

#include "engine/program/fuse_patterns.h"

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

/// Pulls `next`, the only reader of `head`'s output 0, into `head`; `head` itself where that cannot be. The
/// fused node takes the place of `next`, so that all of its inputs come before it.
Node* pull(Graph& graph, Node& head, Node& next) {
  const auto* op = dynamic_cast<const WithEpilogue*>(head.op());
  if (op == nullptr || next.op() == nullptr || next.outputs().size() != 1 || next.assigns()) return &head;
  const auto term = epilogue_term(next, Value{&head, 0});
  EpilogueForm form = op->epilogue();
  if (!term || !form.take(*term, static_cast<int>(head.inputs().size())) || !op->takes(form)) return &head;
  std::vector<Value> inputs = head.inputs();
  inputs.insert(inputs.end(), term->inputs.begin(), term->inputs.end());
  graph.replace(next, op->with(form), std::move(inputs), head);
  return &next;
}

/// Lets a node read the gradient of a ReLU where it reads that of the batch norm before it.
void pull_gate(Graph& graph, Node& node) {
  const auto* op = dynamic_cast<const WithGate*>(node.op());
  if (op == nullptr || op->gradient_input() < 0) return;
  std::vector<Value> inputs = gated_inputs(node, op->gradient_input());
  if (!inputs.empty()) graph.replace(node, op->with_gate(), std::move(inputs), node);
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
    Node* head = graph.nodes()[i].get();
    while (Node* next = reader[head->index()]) {
      Node* fused = pull(graph, *head, *next);
      if (fused == head) break;
      live[head->index()] = false;
      head = fused;
    }
  }
  for (std::size_t i = 0; i < graph.nodes().size(); ++i) {
    if (live[i] && graph.nodes()[i]->op() != nullptr) pull_gate(graph, *graph.nodes()[i]);
  }
  drop_unread(graph, live, keep);
}

}  // namespace firn
