#include "engine/program/lower.h"

#include <algorithm>

#include "engine/ops/bf16.h"
#include "engine/program/plan.h"

namespace firn {

namespace {

bool is_view(const Node& node) {
  return node.op() != nullptr && node.op()->traits().view;
}

bool numbers_of_samples(const Spec& spec) {
  return spec.axis == Axis::batch && spec.type == DType::number;
}

class Lowering {
 public:
  Lowering(Graph& graph, const std::vector<bool>& used, const std::vector<Value>& keep)
      : graph_(graph), used_(used), lowered_(graph.nodes().size(), false) {
    choose(keep);
  }

  void run() {
    for (const auto& node : graph_.nodes()) {
      if (used_[node->index()] && converts(*node)) convert(*node);
    }
    for (const auto& node : graph_.nodes()) {
      if (used_[node->index()] && lowered(Value{node.get(), 0}))
        graph_.set_type({node.get(), 0}, DType::bf16);
    }
  }

 private:
  /// True for a step that can read its samples as bf16, and round them.
  bool converts(const Node& node) const {
    if (node.op() == nullptr || node.pass() != Pass::forward || node.inputs().size() > kMostConverted)
      return false;
    const Narrowing part = node.op()->traits().narrowing;
    if (part == Narrowing::none || !numbers_of_samples(node.outputs()[0])) return false;
    return part == Narrowing::multiplies || !trains(node);
  }

  bool trains(const Node& node) const { return graph_.depends_on_trainable({const_cast<Node*>(&node), 0}); }

  /// Marks whose output 0 becomes bf16.
  void choose(const std::vector<Value>& keep) {
    for (const auto& node : graph_.nodes()) lowered_[node->index()] = converts(*node) && !trains(*node);
    for (const Value& value : keep) lowered_[behind_views(value).node->index()] = false;
    for (const auto& node : graph_.nodes()) {
      if (!used_[node->index()] || is_view(*node) || node->op() == nullptr) continue;
      for (const Value& input : node->inputs()) {
        const Value value = behind_views(input);
        // The other outputs of a step are written as the operation does, so no step has both.
        if (value.output != 0 || !converts(*node)) lowered_[value.node->index()] = false;
      }
    }
  }

  bool lowered(Value value) const {
    const Value source = behind_views(value);
    return source.output == 0 && lowered_[source.node->index()];
  }

  void convert(Node& node) {
    std::vector<Reading> readings;
    for (const Value& input : node.inputs()) {
      const bool rounds = readings.empty() && node.op()->traits().narrowing == Narrowing::multiplies;
      readings.push_back(lowered(input) ? Reading::bf16 : rounds ? Reading::round : Reading::plain);
    }
    const bool narrow = lowered({&node, 0});
    if (!narrow &&
        std::all_of(readings.begin(), readings.end(), [](Reading r) { return r == Reading::plain; }))
      return;
    graph_.replace(node, with_bf16(node.shared_op(), std::move(readings), narrow), node.inputs(), node);
  }

  Graph& graph_;
  const std::vector<bool>& used_;
  std::vector<bool> lowered_;  // by node
};

}  // namespace

void lower_frozen(Graph& graph, const std::vector<bool>& used, const std::vector<Value>& keep) {
  if (graph.options().frozen_precision == Precision::bf16) Lowering(graph, used, keep).run();
}

}  // namespace firn
