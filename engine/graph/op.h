// What an operation is.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/base/real.h"
#include "engine/graph/attributes.h"
#include "engine/tensor/tensor.h"

namespace firn {

class Graph;
class Node;
class Op;
class Parameter;
struct Kernels;
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
  /// 0, or how many rows of the only output a task makes, in turn, from as many columns of the first input:
  /// of that input it reads no others.
  Index rows = 0;
  /// Of tasks: each row of the outputs is made of the same row of the batch inputs alone, so that a call may
  /// be for some rows.
  bool by_rows = false;
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
  real* scratch;              ///< `Division::scratch` elements, 64-byte aligned
  std::uint64_t step;         ///< of training, for what is random
  Index rows_before;          ///< of a larger batch, before this one's: what is random counts them too
  const Kernels& kernels;     ///< of the program's instruction set

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

/// What an operation makes of samples that memory holds in a narrower type than `real`.
enum class Narrowing {
  none,        ///< it reads and writes `real`
  passes,      ///< it may read and write them: the step converts
  multiplies,  ///< the same, and what it multiplies counts as rounded to that type: input 0 and the weight,
               ///< or of a sum over samples inputs 0 and 1
};

/// The output that may take the memory of an input when nobody else reads that afterwards.
struct InPlace {
  static constexpr int kNone = -1, kAny = -2;
  int input = kNone;  ///< kAny: of each of them
  int output = 0;

  bool allows(int from, int to) const { return to == output && (input == kAny || input == from); }
};

/// What a compiler may assume of an operation.
struct Traits {
  bool differentiable = true;  ///< false where no gradient passes: packing, labels, statistics
  bool view = false;           ///< the output is input 0's memory under another shape; `run` is never called
  bool recomputable = false;   ///< cheap enough to compute its only output again where that is read late
  bool random = false;         ///< the outputs depend on the step and the row, not on the inputs alone
  Index min_efficient_rows = 1;  ///< of a slice; with fewer the kernel loses much of its speed
  InPlace in_place = {};
  /// Other than `none` only where each sample of the outputs is computed from the same sample of the inputs,
  /// or the outputs are sums over the samples of a call.
  Narrowing narrowing = Narrowing::none;
};

/// How the work of a node is handed to threads.
struct Division {
  Cut cut;
  Index scratch = 0;  ///< elements that one call needs
};

/// One operation: its shape rule, kernel call, gradient rule and cost. Immutable; a node holds its inputs.
class Op {
 public:
  virtual ~Op() = default;

  /// Asked while graphs are built and printed, never in a step.
  virtual Description describe() const = 0;
  /// The outputs for these inputs; throws Error(usage) with both shapes where they do not fit.
  /// `where` names the layer.
  virtual std::vector<Spec> infer(std::span<const Spec> inputs, const std::string& where) const = 0;
  /// Computes the outputs, or the part of them that the call asks for. Never throws, never allocates.
  virtual void run(const Call& call) const = 0;
  /// Adds the nodes for the input gradients that are wanted, and only those.
  virtual void gradient(Gradients& gradients) const;
  /// By default no multiply-adds, and every input and output moved once.
  virtual Cost cost(const Node& node) const;
  virtual Traits traits() const { return {}; }
  /// For calls of at most `rows` rows. By default slices where an output has a batch or slice axis, else one
  /// task; no scratch. The cut does not depend on `rows`.
  virtual Division schedule(const Node& node, Index rows, const Kernels& kernels) const;

  /// Of `describe`.
  std::string name() const { return describe().name; }
  std::string formula() const { return describe().formula; }
  Attributes attributes() const { return describe().attributes; }
  /// The attributes as a listing prints them: "3x3 1->32 pad 1"; may be empty.
  std::string detail() const { return describe().attributes.detail(); }
};

}  // namespace firn
