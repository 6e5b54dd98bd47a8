// What an operation is.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/base/real.h"
#include "engine/kernels/gemm.h"
#include "engine/tensor/tensor.h"

namespace firn {

class Graph;
class Node;
class Op;
class Parameter;
struct TrainableRanges;

/// What the first dimension of a value means for the schedule.
enum class Axis {
  none,   ///< nothing: parameters, scalars, sums over the batch
  batch,  ///< samples: a slice of the batch is computed from the same slice of the inputs
  slice,  ///< one part for each slice of the batch, to be reduced in order; the shape is a part's
};

/// Shape, element type and meaning of a value.
struct Spec {
  Shape shape;
  DType type = DType::number;
  Axis axis = Axis::none;
};

/// An output of a node. A default-made value stands for "none".
struct Value {
  Node* node = nullptr;
  int output = 0;

  explicit operator bool() const { return node != nullptr; }
  friend bool operator==(const Value&, const Value&) = default;
  const Spec& spec() const;
  const Shape& shape() const;
};

/// How the work of a node may be cut into calls that do not depend on each other. Cuts depend on
/// the shapes alone, never on the number of threads.
struct Cut {
  enum class Kind {
    slices,  ///< one call for each slice of the batch; needs only that slice of its batch inputs
    tasks,   ///< one call for each of `tasks` pieces; needs all of its inputs whole
  };
  Kind kind = Kind::tasks;
  Index tasks = 1;
};

/// What a node costs: multiply-adds, and bytes that must at least be moved.
struct Cost {
  double macs = 0;
  double bytes = 0;
  Cost& operator+=(const Cost& other) {
    macs += other.macs;
    bytes += other.bytes;
    return *this;
  }
};

/// What a kernel call sees: memory, and which part of the work is its own.
struct Call {
  const Node& node;
  const void* const* inputs;  ///< batch inputs begin at the slice's first row, slice inputs at its part
  void* const* outputs;       ///< null where nobody reads that output
  Index rows;                 ///< of batch values: the slice's (slices) or the whole batch's (tasks)
  Index row;                  ///< the first of them
  Index task;                 ///< of Cut::tasks
  Index slices;               ///< number of slices; parts of an Axis::slice input in a call of tasks
  Index slice_rows;           ///< samples of every slice but the last, which may have fewer
  real* scratch;              ///< `Op::scratch` elements, 64-byte aligned
  std::uint64_t step;         ///< of training, for what is random
  Index rows_before;          ///< of a larger batch, before this one's: what is random counts them too

  const real* in(int i) const { return static_cast<const real*>(inputs[i]); }
  const std::int32_t* indices(int i) const { return static_cast<const std::int32_t*>(inputs[i]); }
  const std::uint8_t* bytes(int i) const { return static_cast<const std::uint8_t*>(inputs[i]); }
  real* out(int i = 0) const { return static_cast<real*>(outputs[i]); }
  const Shape& in_shape(int i) const;
  const Shape& out_shape(int i = 0) const;
  /// Shape of input or output i with its first dimension replaced by `rows` where that is the batch.
  Index in_count(int i) const;
  Index out_count(int i = 0) const;
};

/// Handed to `Op::gradient`: which gradients are wanted, and where to put them.
class Gradients {
 public:
  Gradients(Graph& graph, Node& node, std::span<const Value> output_gradients,
            const std::vector<bool>& wanted)
      : graph_(graph),
        node_(node),
        output_gradients_(output_gradients),
        wanted_(wanted),
        result_(wanted.size()) {}

  Graph& graph() const { return graph_; }
  Node& node() const { return node_; }
  Value input(int i) const;
  Value output(int i = 0) const;
  /// Gradient of an output; none where nothing depends on it.
  Value dy(int i = 0) const { return output_gradients_[static_cast<std::size_t>(i)]; }
  /// True where the gradient of input i is needed: only then may nodes be added for it.
  bool wants(int i) const { return wanted_[static_cast<std::size_t>(i)]; }
  /// What trains of input i where that is a parameter that trains in part, in places of `axis`; else null.
  const TrainableRanges* trainable_ranges(int i, int axis) const;
  /// The gradient of input i, of its shape; or where `trains` says so, of the compact shape.
  void set(int i, Value gradient) { result_[static_cast<std::size_t>(i)] = gradient; }
  const std::vector<Value>& result() const { return result_; }

 private:
  Graph& graph_;
  Node& node_;
  std::span<const Value> output_gradients_;
  const std::vector<bool>& wanted_;
  std::vector<Value> result_;
};

/// An operation seen as something that the kernel before it can apply to its result.
struct EpilogueTerm {
  enum class Kind { activation, affine, residual };
  Kind kind = Kind::activation;
  Activation activation = Activation::none;
  real slope = 0;
  std::vector<Value> inputs;  ///< affine: scale, shift; residual: the other summand
};

/// An operation with another one pulled into it, and the inputs that this adds.
struct Fused {
  std::shared_ptr<const Op> op;
  std::vector<Value> extra_inputs;
};

/// What an operation does in a frozen prefix whose precision is bf16.
enum class InBf16 {
  no,          ///< it reads and writes `real`
  passes,      ///< it may read and write samples that memory holds as bf16: the step converts
  multiplies,  ///< the same, and its input 0 counts as rounded to bf16, as its weight is
};

/// One operation: its shape rule, kernel call, gradient rule and cost. Immutable; a node holds its inputs.
class Op {
 public:
  virtual ~Op() = default;

  /// "conv2d"
  virtual std::string name() const = 0;
  /// What distinguishes it: "3x3 stride 2 pad 1"; may be empty.
  virtual std::string detail() const { return {}; }
  /// The outputs for these inputs; throws Error(usage) with both shapes where they do not fit.
  /// `where` names the layer.
  virtual std::vector<Spec> infer(std::span<const Spec> inputs, const std::string& where) const = 0;
  /// Computes the outputs, or the part of them that the call asks for. Never throws, never allocates.
  virtual void run(const Call& call) const = 0;

  /// Adds the nodes for the input gradients that are wanted, and only those.
  virtual void gradient(Gradients& gradients) const;
  /// False where no gradient passes: packing, labels, statistics.
  virtual bool differentiable() const { return true; }

  /// By default slices where an output has a batch or slice axis, else one task.
  virtual Cut cut(const Node& node) const;
  /// Elements of scratch that one call needs, for at most `rows` rows.
  virtual Index scratch(const Node& node, Index rows) const;
  /// By default no multiply-adds, and every input and output moved once.
  virtual Cost cost(const Node& node) const;
  /// Rows of a slice below which the kernel loses much of its speed.
  virtual Index min_efficient_rows() const { return 1; }

  /// This operation as a term of the epilogue of the kernel that makes `pulled`, one of self's inputs.
  virtual std::optional<EpilogueTerm> epilogue_term(const Node& self, Value pulled) const;
  /// This operation with `next`, the only reader of its output 0, pulled in; none where that cannot be.
  virtual Fused absorb(const Node& self, const Node& next) const;
  /// This operation with the node that makes input i pulled in: that input replaced by the first of
  /// `extra_inputs`, the others behind the node's own; none where that cannot be.
  virtual Fused absorb_input(const Node& self, std::size_t i) const;
  /// Cheap enough to recompute instead of storing: its only output may be computed again where it is read
  /// late.
  virtual bool recomputable() const { return false; }
  /// The output that may take the memory of input i when nobody else reads that afterwards; -1: none.
  virtual int in_place(int input) const;
  /// Other than `no` only where each sample of the outputs is computed from the same sample of the inputs.
  virtual InBf16 in_bf16() const { return InBf16::no; }
  /// The output is input 0's memory under another shape; `run` is never called.
  virtual bool is_view() const { return false; }
};

}  // namespace firn
