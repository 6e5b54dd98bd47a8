// The graph that layers build: what is to be computed. Building checks shapes and runs nothing.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/graph/freeze_set.h"
#include "engine/graph/op.h"
#include "engine/graph/parameter.h"

namespace firn {

/// What a graph is built for. A frozen batch norm uses its running statistics in both.
enum class Mode { train, infer };

/// Of the numbers that products read and hand to each other: `number` or a narrower type. Sums, parameters
/// and their gradients are `number`.
struct NumberTypes {
  DType all = DType::number;
  DType frozen = DType::number;  ///< where nothing below trains, unless `all` is narrower

  bool all_narrow() const { return is_narrow(all); }
  bool frozen_narrow() const { return all_narrow() || is_narrow(frozen); }
};

/// The part of a training step that a node belongs to.
enum class Pass { forward, input_gradient, weight_gradient };

/// One operation in a graph, or a source: a feed, a parameter, a constant.
class Node {
 public:
  int id() const { return id_; }
  /// The same, for tables.
  std::size_t index() const { return static_cast<std::size_t>(id_); }
  /// Null for a source.
  const Op* op() const { return op_.get(); }
  const std::shared_ptr<const Op>& shared_op() const { return op_; }
  const std::vector<Value>& inputs() const { return inputs_; }
  const std::vector<Spec>& outputs() const { return outputs_; }
  /// The layer that built it, dotted; for a source its own name.
  const std::string& label() const { return label_; }
  /// The block that it belongs to, counted from 0; -1 outside of blocks.
  int block() const { return block_; }
  Pass pass() const { return pass_; }
  /// The operation of the forward pass whose gradient rule made it; null for what no rule made.
  const Node* gradient_of() const { return gradient_of_; }
  /// "conv2d", or "feed", "parameter", "constant".
  std::string kind() const;
  /// The same with the operation's attributes: "conv2d 3x3 1->32 pad 1".
  std::string text() const;

  const ParameterPtr& parameter() const { return parameter_; }
  const Tensor& constant() const { return constant_; }
  bool is_feed() const { return !op_ && !parameter_ && !constant_.defined(); }
  /// The parameter whose memory output 0 replaces; null for most nodes.
  const ParameterPtr& assigns() const { return assigns_; }

 private:
  friend class Graph;
  int id_ = 0;
  std::shared_ptr<const Op> op_;
  std::vector<Value> inputs_;
  std::vector<Spec> outputs_;
  std::string label_;
  int block_ = -1;
  Pass pass_ = Pass::forward;
  const Node* gradient_of_ = nullptr;
  ParameterPtr parameter_;
  Tensor constant_;
  ParameterPtr assigns_;
};

/// A value's place in tables: its node's number and the output.
using ValueKey = std::pair<int, int>;
inline ValueKey key_of(Value value) {
  return {value.node->id(), value.output};
}

/// Nodes in the order of their making, which is an order of computation. Values stay valid as long as the
/// graph.
class Graph {
 public:
  struct Options {
    Mode mode = Mode::train;
    std::uint64_t seed = 0;          ///< of what is random in a step
    bool batch_statistics = false;   ///< frozen batch norms use the batch's statistics nevertheless
    bool dropout_in_frozen = false;  ///< dropout acts below the lowest trainable parameter too
    bool exact = false;      ///< no algorithm whose choice, and so whose rounding, depends on what is frozen
    NumberTypes types = {};  ///< narrow ones do not go with `exact`
    bool initial_states = false;  ///< recurrent layers begin with states that are fed
    bool last_states = false;     ///< the states that they end with are outputs
    /// What does not train; none: what the parameters' marks say while the graph is built.
    std::optional<FreezeSet> freeze = {};
  };

  Graph() = default;
  /// Throws Error(usage) for options that exclude each other.
  explicit Graph(Options options);
  Graph(const Graph&) = delete;
  Graph& operator=(const Graph&) = delete;

  const Options& options() const { return options_; }

  /// What is fed to every run. The first dimension is the batch.
  Value feed(std::string name, Shape shape, DType type = DType::number);
  /// The parameter's value; one node for each parameter.
  Value parameter(const ParameterPtr& parameter);
  Value constant(std::string name, Tensor tensor);
  /// The first output of an operation. Throws what `Op::infer` throws.
  Value add(std::shared_ptr<const Op> op, std::vector<Value> inputs);

  /// After each run the parameter holds `value`, which has its shape. The value's node must be able to write
  /// in place.
  void assign(const ParameterPtr& parameter, Value value);
  /// Names a value that is read after a run.
  void output(std::string name, Value value);

  /// What of a parameter trains, as `FreezeSet` says it.
  bool trains(const Parameter& parameter) const;
  const TrainableRanges* trainable_ranges(const Parameter& parameter) const;
  std::string frozen_text(const Parameter& parameter) const;
  /// True where something that trains lies below.
  bool depends_on_trainable(Value value) const {
    return depends_[static_cast<std::size_t>(value.node->id())];
  }

  const std::vector<std::unique_ptr<Node>>& nodes() const { return nodes_; }
  const std::vector<std::pair<std::string, Value>>& outputs() const { return outputs_; }

  /// The layer and block that the nodes made from now on are labelled with.
  void set_label(std::string label) { label_ = std::move(label); }
  const std::string& label() const { return label_; }
  void set_block(int block) { block_ = block; }
  int block() const { return block_; }
  void set_pass(Pass pass) { pass_ = pass; }
  /// The nodes made from now on belong to this one's gradient; null: to none.
  void set_gradient_of(const Node* node) { gradient_of_ = node; }

  /// Gives `node` another operation and other inputs, and the label, block, pass and `gradient_of` of `head`
  /// (fusion); the outputs keep their specs.
  void replace(Node& node, std::shared_ptr<const Op> op, std::vector<Value> inputs, const Node& head);
  /// A node that comes before `reader` in `nodes`, under its label, block, pass and `gradient_of`; the nodes
  /// from there on are numbered anew. Throws what `Op::infer` throws.
  Value add_before(const Node& reader, std::shared_ptr<const Op> op, std::vector<Value> inputs);
  /// Another node that computes what `node` does, from these inputs and in this pass; it comes last in
  /// `nodes`.
  Value repeat(const Node& node, std::vector<Value> inputs, Pass pass);
  /// Lets `node` read `value`, of the same spec, as its input i.
  void rewire(Node& node, std::size_t i, Value value) { node.inputs_[i] = value; }
  /// Gives a value another element type (lowering).
  void set_type(Value value, DType type) {
    value.node->outputs_[static_cast<std::size_t>(value.output)].type = type;
  }
  /// Marks a node as belonging to another pass.
  void set_pass(Node& node, Pass pass) { node.pass_ = pass; }

 private:
  Node& make(std::string label);

  Options options_;
  std::vector<std::unique_ptr<Node>> nodes_;
  std::vector<bool> depends_;
  std::vector<std::pair<std::string, Value>> outputs_;
  std::string label_;
  int block_ = -1;
  Pass pass_ = Pass::forward;
  const Node* gradient_of_ = nullptr;
};

/// Labels the nodes made in its lifetime with a layer's name appended to the one around it.
class Scope {
 public:
  Scope(Graph& graph, const std::string& name) : graph_(graph), outer_(graph.label()) {
    if (!name.empty()) graph.set_label(outer_.empty() ? name : outer_ + "." + name);
  }
  ~Scope() { graph_.set_label(outer_); }
  Scope(const Scope&) = delete;
  Scope& operator=(const Scope&) = delete;

 private:
  Graph& graph_;
  std::string outer_;
};

}  // namespace firn
