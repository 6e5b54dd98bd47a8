#include "engine/program/differentiate.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <map>

#include "engine/base/error.h"
#include "engine/ops/arithmetic.h"
#include "engine/ops/trainable_part.h"

namespace firn {

namespace {

/// Marks the nodes made since `first` that feed `value` with a pass.
void mark(Graph& graph, Value value, int first, Pass pass) {
  if (!value || value.node->id() < first) return;
  graph.set_pass(*value.node, pass);
  for (const Value& input : value.node->inputs()) mark(graph, input, first, pass);
}

/// True where the value is on the parameters' side: no sample has a part in it.
bool of_parameters(Value value) {
  return value.spec().axis == Axis::none;
}

/// What a full step would do for `node` and this one does not.
void note_left_out(const Graph& graph, const Node& node, const std::vector<bool>& parameters_below,
                   std::vector<LeftOut>& out) {
  if (!node.op()->traits().differentiable) return;
  const double macs = node.op()->cost(node).macs;
  bool input_noted = false;
  for (const Value& input : node.inputs()) {
    const ParameterPtr& parameter = input.node->parameter();
    // A matrix or filters: what is added, whatever role its maker gave it, takes no multiply-adds.
    const bool product = parameter && parameter->role() == Role::weight && parameter->shape().rank() > 1;
    if (const TrainableRanges* trains = parameter ? graph.trainable_ranges(*parameter) : nullptr) {
      const Index frozen = parameter->units() - trains->count();
      const double share = static_cast<double>(frozen) / static_cast<double>(parameter->units());
      out.push_back({node.label(), node.block(), Pass::weight_gradient,
                     fmt::format("gradient of {}, {}", parameter->name(), graph.frozen_text(*parameter)),
                     "frozen", product ? share * macs : 0, &node});
    }
    if (graph.depends_on_trainable(input)) continue;
    if (parameter && parameter->role() != Role::statistic) {
      out.push_back({node.label(), node.block(), Pass::weight_gradient,
                     fmt::format("gradient of {}", parameter->name()), "frozen", product ? macs : 0, &node});
    } else if (!of_parameters(input) && parameters_below[input.node->index()] && !input_noted) {
      input_noted = true;
      out.push_back({node.label(), node.block(), Pass::input_gradient,
                     fmt::format("input gradient of {}", node.kind()), "nothing below it trains", macs,
                     &node});
    }
  }
}

}  // namespace

Derivatives differentiate(Graph& graph, Value loss) {
  if (loss.shape() != Shape{}) {
    throw Error(Fault::usage, "differentiate",
                fmt::format("the loss is {}, a scalar is wanted", loss.shape().text()));
  }
  if (!graph.depends_on_trainable(loss)) {
    const bool any = std::any_of(graph.nodes().begin(), graph.nodes().end(), [](const auto& node) {
      return node->parameter() && node->parameter()->role() != Role::statistic;
    });
    throw Error(
        Fault::usage, "differentiate",
        any ? "every parameter is frozen: there is nothing to train (thaw a layer, or ask for inference)"
            : "the network has no parameters: there is nothing to train (ask for inference)");
  }

  const int forward_nodes = static_cast<int>(graph.nodes().size());
  std::vector<bool> parameters_below(static_cast<std::size_t>(forward_nodes), false);
  for (std::size_t i = 0; i < parameters_below.size(); ++i) {
    const Node& node = *graph.nodes()[i];
    if (node.parameter() && node.parameter()->role() != Role::statistic) parameters_below[i] = true;
    if (node.op() == nullptr || !node.op()->traits().differentiable) continue;
    for (const Value& input : node.inputs())
      parameters_below[i] = parameters_below[i] || parameters_below[input.node->index()];
  }

  const std::string outer_label = graph.label();
  const int outer_block = graph.block();
  std::map<std::pair<int, int>, Value> gradient_of;  // (node, output)
  Tensor one(Shape{});
  one.fill(1);
  gradient_of[{loss.node->id(), loss.output}] = graph.constant("one", std::move(one));

  Derivatives result;
  for (int id = loss.node->id(); id >= 0; --id) {
    Node& node = *graph.nodes()[static_cast<std::size_t>(id)];
    if (node.op() == nullptr) continue;
    if (parameters_below[node.index()]) note_left_out(graph, node, parameters_below, result.left_out);

    std::vector<Value> dy;
    for (int i = 0; i < static_cast<int>(node.outputs().size()); ++i) {
      const auto found = gradient_of.find({id, i});
      dy.push_back(found == gradient_of.end() ? Value{} : found->second);
    }
    if (!graph.depends_on_trainable(Value{&node, 0}) ||
        std::none_of(dy.begin(), dy.end(), [](Value v) { return bool(v); })) {
      continue;
    }
    std::vector<bool> wanted;
    for (const Value& input : node.inputs()) wanted.push_back(graph.depends_on_trainable(input));

    graph.set_label(node.label());
    graph.set_block(node.block());
    graph.set_gradient_of(&node);
    const int first = static_cast<int>(graph.nodes().size());
    Gradients gradients(graph, node, dy, wanted);
    node.op()->gradient(gradients);

    for (const Pass pass : {Pass::weight_gradient, Pass::input_gradient}) {
      for (std::size_t i = 0; i < wanted.size(); ++i) {
        const bool weight = of_parameters(node.inputs()[i]);
        if (weight == (pass == Pass::weight_gradient)) mark(graph, gradients.result()[i], first, pass);
      }
    }
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      Value gradient = gradients.result()[i];
      if (!gradient) continue;
      const Value input = node.inputs()[i];
      Value& total = gradient_of[{input.node->id(), input.output}];
      graph.set_pass(of_parameters(input) ? Pass::weight_gradient : Pass::input_gradient);
      // An operation without a smaller product made the whole gradient.
      const ParameterPtr& parameter = input.node->parameter();
      const TrainableRanges* trains = parameter ? graph.trainable_ranges(*parameter) : nullptr;
      if (trains != nullptr && gradient.shape() == input.shape())
        gradient = trainable_part(graph, gradient, *trains);
      total = total ? add(graph, total, gradient) : gradient;
      graph.set_pass(Pass::forward);
    }
  }
  for (int id = 0; id < forward_nodes; ++id) {
    const Node& node = *graph.nodes()[static_cast<std::size_t>(id)];
    if (node.op() != nullptr) {
      const auto found = gradient_of.find({id, 0});
      if (found != gradient_of.end())
        result.values.push_back({{graph.nodes()[node.index()].get(), 0}, found->second});
    }
    if (!node.parameter()) continue;
    if (const auto found = gradient_of.find({id, 0}); found != gradient_of.end()) {
      std::optional<TrainableRanges> trains;
      if (const TrainableRanges* part = graph.trainable_ranges(*node.parameter())) trains = *part;
      result.gradients.push_back({node.parameter(), found->second, std::move(trains)});
    }
  }
  std::reverse(result.left_out.begin(), result.left_out.end());
  graph.set_label(outer_label);
  graph.set_block(outer_block);
  graph.set_gradient_of(nullptr);
  return result;
}

}  // namespace firn
