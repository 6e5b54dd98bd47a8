#include "engine/program/fuse_patterns.h"

#include "engine/graph/graph.h"

namespace firn {

namespace {

bool is(const Node& node, std::string_view name) {
  return node.op() != nullptr && node.op()->name() == name;
}

std::optional<EpilogueTerm> activation_term(const Node& node) {
  for (int a = 1; a <= static_cast<int>(Activation::gelu_tanh); ++a) {
    const auto activation = static_cast<Activation>(a);
    if (!is(node, activation_name(activation))) continue;
    const auto slope = static_cast<real>(node.op()->attributes().get<double>("slope"));
    return EpilogueTerm{EpilogueTerm::Kind::activation, activation, slope, {}};
  }
  return std::nullopt;
}

std::optional<EpilogueTerm> addition_term(const Node& node, Value pulled) {
  if (!is(node, "add")) return std::nullopt;
  const Value a = node.inputs()[0], b = node.inputs()[1], other = a == pulled ? b : a;
  if (a == b || other.spec().axis != pulled.spec().axis) return std::nullopt;
  return EpilogueTerm{.kind = EpilogueTerm::Kind::residual, .inputs = {other}};
}

std::optional<EpilogueTerm> affine_term(const Node& node) {
  const auto* op = dynamic_cast<const WithEpilogue*>(node.op());
  if (op == nullptr || !is(node, "affine")) return std::nullopt;
  if (op->epilogue().residual >= 0 || op->epilogue().activation != Activation::none) return std::nullopt;
  return EpilogueTerm{.kind = EpilogueTerm::Kind::affine, .inputs = {node.inputs()[1], node.inputs()[2]}};
}

}  // namespace

std::optional<EpilogueTerm> epilogue_term(const Node& node, Value pulled) {
  if (auto term = activation_term(node)) return term;
  if (auto term = addition_term(node, pulled)) return term;
  return affine_term(node);
}

std::vector<Value> gated_inputs(const Node& node, int i) {
  const Node& relu = *node.inputs()[static_cast<std::size_t>(i)].node;
  if (!is(relu, "relu_gradient") || !is(*relu.inputs()[0].node, "batch_norm")) return {};
  const Node& norm = *relu.inputs()[0].node;
  const auto* op = dynamic_cast<const WithEpilogue*>(norm.op());
  if (op == nullptr || op->epilogue().activation != Activation::relu || op->epilogue().residual >= 0 ||
      norm.inputs()[0] != node.inputs()[0])
    return {};
  std::vector<Value> inputs = node.inputs();
  inputs[static_cast<std::size_t>(i)] = relu.inputs()[1];
  inputs.insert(inputs.end(), norm.inputs().begin() + 1, norm.inputs().begin() + 6);
  return inputs;
}

}  // namespace firn
