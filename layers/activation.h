#pragma once

#include "engine/kernels/gemm.h"
#include "layers/layer.h"

namespace firn {

/// y = activation(x), element by element.
class Activate final : public Layer {
 public:
  /// `slope` is that of leaky_relu below zero or of hard_sigmoid, or where relu_to ends.
  explicit Activate(Activation activation, real slope = real(0.01))
      : activation_(activation), slope_(slope) {}
  LayerSpec spec() const override;
  Flow build(Graph& graph, Flow in) const override;

 private:
  Activation activation_;
  real slope_;
};

/// Logarithms of the probabilities over the last dimension.
class LogSoftmax final : public Layer {
 public:
  LayerSpec spec() const override { return LayerSpec("log_softmax"); }
  Flow build(Graph& graph, Flow in) const override;
};

/// Probabilities over the last dimension.
class Softmax final : public Layer {
 public:
  LayerSpec spec() const override { return LayerSpec("softmax"); }
  Flow build(Graph& graph, Flow in) const override;
};

}  // namespace firn
