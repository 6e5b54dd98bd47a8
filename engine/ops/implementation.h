// Ways to compute what an operation says: rows among which `engine/program/select` chooses.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "engine/graph/graph.h"
#include "engine/kernels/kernels.h"
#include "engine/ops/epilogue.h"

namespace firn {

/// A node to be computed, and all that the choice may depend on: never a clock or a number of threads.
struct Choice {
  Graph& graph;
  Node& node;
  const Kernels& kernels;
  Narrowing narrowing;  ///< `multiplies` where the node's product is one of narrow numbers

  /// The node's operation, which is an `Op`.
  template <class Op>
  const Op& op() const {
    return static_cast<const Op&>(*node.op());
  }
  Value input(int i) const { return node.inputs()[static_cast<std::size_t>(i)]; }
  bool narrow() const { return narrowing == Narrowing::multiplies; }
  /// Input i rounded where the product is narrow.
  Value rounded(int i) const;
  /// Whether a weight is another one in each step, so that preparing it is paid each time.
  bool changes_each_step(Value weight) const;
  /// What is computed before the node, under its label and in its pass.
  Value prepare(std::shared_ptr<const Op> op, std::vector<Value> inputs) const;
};

/// What computes a node: an operation that can run, and what it reads.
struct Chosen {
  std::shared_ptr<const Op> op;
  std::vector<Value> inputs;
};

/// One way to compute an operation.
struct Implementation {
  std::string_view name;
  /// Whether it computes this node.
  bool (*fits)(const Choice& choice);
  /// What it takes, as a multiple of what the plainest one does: made of `rates` alone.
  double (*cost)(const Choice& choice);
  /// Layout and packing of the operands, kernel call, cut and scratch. Only where it fits.
  Chosen (*make)(const Choice& choice);
};

/// For rows: one that fits every node, and one that is as good as the plainest.
bool fits_always(const Choice& choice);
double plain_cost(const Choice& choice);

/// An operation that says what is computed, not how: one of its implementations takes its place before
/// anything runs.
class Abstract : public Op {
 public:
  /// Of those that fit the one with the least cost is taken, of equal ones the first: what spares work around
  /// the kernel, where it fits, stands before what does not. One always fits.
  virtual std::span<const Implementation* const> implementations() const = 0;
  /// Whether it multiplies inside what may be rounded, though what it reads and writes is `real`.
  virtual bool multiplies_inside() const { return false; }
  void run(const Call& call) const final;
};

/// What implements an operation says of itself what that says, and how it is done. `Base` is `Op`, or
/// `WithEpilogue` where the kernel applies what stands behind.
template <class Base>
class ImplementationOf : public Base {
 public:
  template <class... Args>
  explicit ImplementationOf(const Choice& choice, Attribute how, Args&&... args)
      : Base(std::forward<Args>(args)...),
        what_(choice.node.shared_op()),
        how_(std::move(how)),
        narrowing_(choice.narrowing) {}
  Description describe() const override {
    Description description = what_->describe();
    Attributes& all = description.attributes;
    if (!how_.name.empty()) all.add(how_.name, how_.value, how_.text);
    if constexpr (std::is_base_of_v<WithEpilogue, Base>) all.add(this->epilogue().attributes());
    return description;
  }
  Cost cost(const Node& node) const override { return what_->cost(node); }
  Traits traits() const override {
    Traits traits = what_->traits();
    traits.narrowing = narrowing_;
    return traits;
  }

 protected:
  template <class What>
  const What& what() const {
    return static_cast<const What&>(*what_);
  }

 private:
  std::shared_ptr<const Op> what_;
  Attribute how_;
  Narrowing narrowing_;
};

/// "pack" and its kin: the `count` elements that a kernel reads in the place of a weight, which `run` writes
/// and which are then rounded as `round_op` does where `round`. A call has `scratch` elements of scratch.
std::shared_ptr<const Op> pack_op(std::string name, Index count, std::function<void(const Call&)> run,
                                  Attributes attributes = {}, bool round = false, Index scratch = 0);

}  // namespace firn
