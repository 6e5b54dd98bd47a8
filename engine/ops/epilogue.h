// How dense and convolution layers pull the operations behind them into their kernel's epilogue.
#pragma once

#include <optional>

#include "engine/graph/op.h"
#include "engine/kernels/gemm.h"

namespace firn {

/// What a fused kernel applies to its result: y = activation(z * scale + shift + residual), with the
/// places of its operands among the node's inputs; -1 where a term is absent.
struct EpilogueForm {
  int scale = -1;
  int shift = -1;
  int residual = -1;
  Activation activation = Activation::none;
  real slope = 0;

  /// " + bias, relu": for listings.
  std::string text() const;
  /// The kernel's view of it for one call.
  Epilogue bind(const Call& call) const;
  /// This form with `next` pulled in, which reads `self`'s output 0; false where the order of the terms
  /// forbids it. The inputs that `next` brings are appended to `extra`, counted behind self's own.
  bool pull(const Node& self, const Node& next, std::vector<Value>& extra);
};

}  // namespace firn
