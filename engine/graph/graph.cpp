#include "engine/graph/graph.h"

#include <fmt/core.h>

#include <algorithm>

#include "engine/base/error.h"

namespace firn {

std::string Node::kind() const {
  if (op_) return op_->name();
  if (parameter_) return "parameter";
  return constant_.defined() ? "constant" : "feed";
}

std::string Node::text() const {
  return op_ ? op_->describe().text() : kind();
}

Node& Graph::make(std::string label) {
  auto node = std::make_unique<Node>();
  node->id_ = static_cast<int>(nodes_.size());
  node->label_ = std::move(label);
  node->block_ = block_;
  node->pass_ = pass_;
  node->gradient_of_ = gradient_of_;
  nodes_.push_back(std::move(node));
  depends_.push_back(false);
  return *nodes_.back();
}

Value Graph::feed(std::string name, Shape shape, DType type) {
  if (shape.rank() < 1) throw Error(Fault::usage, "feed", fmt::format("{} has no batch", name));
  Node& node = make(std::move(name));
  node.outputs_ = {{shape, type, Axis::batch}};
  return {&node, 0};
}

Value Graph::parameter(const ParameterPtr& parameter) {
  for (const auto& node : nodes_) {
    if (node->parameter_ == parameter) return {node.get(), 0};
  }
  Node& node = make(parameter->name());
  node.parameter_ = parameter;
  node.outputs_ = {{parameter->shape(), DType::number, Axis::none}};
  depends_.back() = trains(*parameter) && parameter->role() != Role::statistic;
  return {&node, 0};
}

Value Graph::constant(std::string name, Tensor tensor) {
  Node& node = make(std::move(name));
  node.outputs_ = {{tensor.shape(), tensor.type(), Axis::none}};
  node.constant_ = std::move(tensor);
  return {&node, 0};
}

Value Graph::add(std::shared_ptr<const Op> op, std::vector<Value> inputs) {
  std::vector<Spec> specs;
  bool depends = false;
  for (const Value& input : inputs) {
    if (!input) throw Error(Fault::usage, op->name(), fmt::format("an input is missing (layer {})", label_));
    specs.push_back(input.spec());
    depends = depends || depends_on_trainable(input);
  }
  std::vector<Spec> outputs = op->infer(specs, label_);
  Node& node = make(label_);
  depends_.back() = depends && op->traits().differentiable;
  node.op_ = std::move(op);
  node.inputs_ = std::move(inputs);
  node.outputs_ = std::move(outputs);
  return {&node, 0};
}

Value Graph::add_before(const Node& reader, std::shared_ptr<const Op> op, std::vector<Value> inputs) {
  const std::size_t at = reader.index();
  Node& node = *add(std::move(op), std::move(inputs)).node;
  node.label_ = reader.label_;
  node.block_ = reader.block_;
  node.pass_ = reader.pass_;
  node.gradient_of_ = reader.gradient_of_;
  const auto place = static_cast<std::ptrdiff_t>(at);
  std::rotate(nodes_.begin() + place, nodes_.end() - 1, nodes_.end());
  std::rotate(depends_.begin() + place, depends_.end() - 1, depends_.end());
  for (std::size_t i = at; i < nodes_.size(); ++i) nodes_[i]->id_ = static_cast<int>(i);
  return {&node, 0};
}

Graph::Graph(Options options) : options_(std::move(options)) {
  if (options_.exact && options_.types.frozen_narrow()) {
    const NumberTypes& types = options_.types;
    throw Error(Fault::usage, "graph",
                fmt::format("{} and exact computation exclude each other",
                            type_name(types.all_narrow() ? types.all : types.frozen)));
  }
}

bool Graph::trains(const Parameter& parameter) const {
  return options_.freeze ? options_.freeze->trains(parameter) : parameter.trainable();
}

const TrainableRanges* Graph::trainable_ranges(const Parameter& parameter) const {
  return options_.freeze ? options_.freeze->trainable_ranges(parameter) : parameter.trainable_ranges();
}

std::string Graph::frozen_text(const Parameter& parameter) const {
  return (options_.freeze ? *options_.freeze : marked_frozen(parameter)).text(parameter);
}

void Graph::assign(const ParameterPtr& parameter, Value value) {
  if (value.shape() != parameter->shape()) {
    throw Error(Fault::usage, "assign",
                fmt::format("{} is {}, the value is {}", parameter->name(), parameter->shape().text(),
                            value.shape().text()));
  }
  value.node->assigns_ = parameter;
}

void Graph::output(std::string name, Value value) {
  outputs_.emplace_back(std::move(name), value);
}

void Graph::replace(Node& node, std::shared_ptr<const Op> op, std::vector<Value> inputs, const Node& head) {
  node.op_ = std::move(op);
  node.inputs_ = std::move(inputs);
  node.label_ = head.label_;
  node.block_ = head.block_;
  node.pass_ = head.pass_;
  node.gradient_of_ = head.gradient_of_;
}

Value Graph::repeat(const Node& node, std::vector<Value> inputs, Pass pass) {
  Node& again = make(node.label_);
  depends_.back() = depends_[static_cast<std::size_t>(node.id_)];
  again.op_ = node.op_;
  again.inputs_ = std::move(inputs);
  again.outputs_ = node.outputs_;
  again.block_ = node.block_;
  again.pass_ = pass;
  again.gradient_of_ = node.gradient_of_;
  return {&again, 0};
}

const Spec& Value::spec() const {
  return node->outputs()[static_cast<std::size_t>(output)];
}
const Shape& Value::shape() const {
  return spec().shape;
}

Value Gradients::input(int i) const {
  return node_.inputs()[static_cast<std::size_t>(i)];
}
const TrainableRanges* Gradients::trainable_ranges(int i, int axis) const {
  const ParameterPtr& parameter = input(i).node->parameter();
  const TrainableRanges* trains = parameter ? graph_.trainable_ranges(*parameter) : nullptr;
  return trains != nullptr && trains->axis == axis ? trains : nullptr;
}
Value Gradients::output(int i) const {
  return {&node_, i};
}

const Shape& Call::in_shape(int i) const {
  return node.inputs()[static_cast<std::size_t>(i)].shape();
}
const Shape& Call::out_shape(int i) const {
  return node.outputs()[static_cast<std::size_t>(i)].shape;
}

namespace {

Index count_of(const Spec& spec, Index rows) {
  return spec.axis == Axis::batch ? rows * spec.shape.count_from(1) : spec.shape.count();
}

Cost moved(const Spec& spec) {
  return {0, static_cast<double>(spec.shape.count() * type_size(spec.type))};
}

}  // namespace

Index Call::in_count(int i) const {
  return count_of(node.inputs()[static_cast<std::size_t>(i)].spec(), rows);
}
Index Call::out_count(int i) const {
  return count_of(node.outputs()[static_cast<std::size_t>(i)], rows);
}

void Op::gradient(Gradients&) const {
  throw Error(Fault::usage, name(), "has no gradient, and one is asked for");
}

Division Op::schedule(const Node& node, Index, const Kernels&) const {
  for (const Spec& output : node.outputs()) {
    if (output.axis != Axis::none) return {{Cut::Kind::slices, 1}};
  }
  return {};
}

Cost Op::cost(const Node& node) const {
  Cost cost;
  for (const Value& input : node.inputs()) cost += moved(input.spec());
  for (const Spec& output : node.outputs()) cost += moved(output);
  return cost;
}

}  // namespace firn
