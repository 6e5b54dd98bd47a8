// How dense and convolution layers pull the operations behind them into their kernel's epilogue.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/graph/op.h"
#include "engine/kernels/gemm.h"

namespace firn {

/// An operation seen as something that the kernel before it can apply to its result.
struct EpilogueTerm {
  enum class Kind { activation, affine, residual };
  Kind kind = Kind::activation;
  Activation activation = Activation::none;
  real slope = 0;
  std::vector<Value> inputs;  ///< affine: scale, shift; residual: the other summand
};

/// What a fused kernel applies to its result: y = activation(z * scale + shift + residual), with the
/// places of its operands among the node's inputs; -1 where a term is absent.
struct EpilogueForm {
  int scale = -1;
  int shift = -1;
  int residual = -1;
  Activation activation = Activation::none;
  real slope = 0;

  /// "+bias relu", for listings.
  Attributes attributes() const;
  /// The kernel's view of it for one call.
  Epilogue bind(const Call& call) const;
  /// Adds a term behind the others, whose inputs are the node's from `first` on; false, and nothing is
  /// changed, where the order of the terms forbids it.
  bool take(const EpilogueTerm& term, int first);
};

/// An operation whose kernel can apply what stands behind it. `engine/program/fuse` asks.
class WithEpilogue : public Op {
 public:
  explicit WithEpilogue(EpilogueForm form) : form_(form) {}
  const EpilogueForm& epilogue() const { return form_; }
  /// Whether the kernel can apply `form`, which is this one's with a term more.
  virtual bool takes(const EpilogueForm& form) const;
  /// The same operation with `form` for its epilogue.
  virtual std::shared_ptr<const Op> with(const EpilogueForm& form) const = 0;

 protected:
  template <class T>
  static std::shared_ptr<const Op> copy_with(const T& op, const EpilogueForm& form) {
    auto copy = std::make_shared<T>(op);
    copy->form_ = form;
    return copy;
  }

  EpilogueForm form_;
};

/// Of a product whose inputs are x, the weight and the bias, if it has one.
inline EpilogueForm bias_epilogue(bool bias) {
  EpilogueForm form;
  if (bias) form.shift = 2;
  return form;
}

/// An operation that reads the gradient of a training batch norm, and can read that of a ReLU behind it
/// instead: it computes itself which elements the ReLU let pass.
class WithGate : public Op {
 public:
  /// The input that is the gradient of the batch norm's output; -1 where the gate is in already.
  virtual int gradient_input() const = 0;
  /// The same operation with the gate. Its inputs: that of the batch norm's gradient is the ReLU's; behind
  /// the others stand the batch norm's gamma, beta, mean, inverse standard deviation and the mean's rest.
  virtual std::shared_ptr<const Op> with_gate() const = 0;
};

}  // namespace firn
