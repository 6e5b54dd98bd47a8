#include "engine/program/lower.h"

#include <algorithm>

#include "engine/ops/convert.h"
#include "engine/program/plan.h"

namespace firn {

namespace {

bool numbers_of_samples(const Spec& spec) {
  return spec.axis == Axis::batch && spec.type == DType::number;
}

class Lowering {
 public:
  Lowering(Graph& graph, const std::vector<bool>& used, const std::vector<Value>& keep,
           const Kernels& kernels)
      : graph_(graph), used_(used), kernels_(kernels), lowered_(graph.nodes().size(), false) {
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
  /// Whether what this node hands on may be narrow.
  bool narrow_here(const Node& node) const {
    if (graph_.options().types.all_narrow()) return true;
    return node.pass() == Pass::forward && !graph_.depends_on_trainable({const_cast<Node*>(&node), 0});
  }

  /// True for a step that can read samples as bf16, and round them.
  bool converts(const Node& node) const {
    if (node.op() == nullptr || node.inputs().size() > kMostConverted) return false;
    const Narrowing narrowing = node.op()->traits().narrowing;
    if (narrowing == Narrowing::none) return false;
    if (narrowing == Narrowing::multiplies) return true;  // chosen by `product_type`
    // Of sums over samples a call converts all rows, so a call must have but a slice's.
    return narrow_here(node) && node.op()->schedule(node, 1, kernels_).cut.kind == Cut::Kind::slices;
  }

  /// Marks whose output 0 becomes bf16.
  void choose(const std::vector<Value>& keep) {
    for (const auto& node : graph_.nodes()) {
      lowered_[node->index()] =
          converts(*node) && numbers_of_samples(node->outputs()[0]) && narrow_here(*node);
    }
    for (const Value& value : keep) lowered_[behind_views(value).node->index()] = false;
    for (const auto& node : graph_.nodes()) {
      if (!used_[node->index()] || node->op() == nullptr || node->op()->traits().view) continue;
      for (const Value& input : node->inputs()) {
        const Value value = behind_views(input);
        if (value.output == 0 && !converts(*node)) lowered_[value.node->index()] = false;
      }
    }
  }

  bool lowered(Value value) const {
    const Value source = behind_views(value);
    return source.output == 0 && lowered_[source.node->index()];
  }

  /// The operands of a product: x and the packed weight, whose numbers are rounded already; or of a sum over
  /// samples both factors.
  static bool is_factor(const Node& node, std::size_t i) {
    const bool sum = node.outputs()[0].axis != Axis::batch;
    return node.op()->traits().narrowing == Narrowing::multiplies && (i == 0 || (sum && i == 1));
  }

  void convert(Node& node) {
    std::vector<Reading> readings;
    for (std::size_t i = 0; i < node.inputs().size(); ++i) {
      const Value input = node.inputs()[i];
      const bool rounds = is_factor(node, i) && numbers_of_samples(input.spec());
      readings.push_back(lowered(input) ? Reading::widen : rounds ? Reading::round : Reading::plain);
    }
    const bool narrow = lowered({&node, 0});
    if (!narrow &&
        std::all_of(readings.begin(), readings.end(), [](Reading r) { return r == Reading::plain; }))
      return;
    graph_.replace(node, converting(node.shared_op(), std::move(readings), narrow), node.inputs(), node);
  }

  Graph& graph_;
  const std::vector<bool>& used_;
  const Kernels& kernels_;
  std::vector<bool> lowered_;  // by node
};

}  // namespace

DType product_type(const Graph& graph, const Node& product) {
  const NumberTypes& types = graph.options().types;
  if (types.all_narrow()) return types.all;
  const bool frozen = product.pass() == Pass::forward && !graph.depends_on_trainable(product.inputs()[0]) &&
                      !graph.depends_on_trainable(product.inputs()[1]);
  return frozen ? types.frozen : DType::number;
}

void lower(Graph& graph, const std::vector<bool>& used, const std::vector<Value>& keep,
           const Kernels& kernels) {
  if (graph.options().types.frozen_narrow()) Lowering(graph, used, keep, kernels).run();
}

}  // namespace firn
