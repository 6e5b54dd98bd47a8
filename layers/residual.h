#pragma once

#include "engine/kernels/gemm.h"
#include "layers/layer.h"

namespace firn {

/// y = activation(body(x) + shortcut(x)) (He et al. 2015). The body's parameters are named as if they were
/// this layer's own, the shortcut's lie below "shortcut".
class Residual final : public Layer {
 public:
  struct Options {
    LayerPtr body;
    LayerPtr shortcut = nullptr;  ///< null: x itself
    Activation activation = Activation::relu;
  };
  explicit Residual(Options options);

  LayerSpec spec() const override;
  Flow build(Graph& graph, Flow in) const override;

 private:
  Activation activation_;
};

/// Option A of He et al. 2015, section 4.2: each `stride`-th place of the image, with `before` zero channels
/// in front and `behind` zero channels behind. Without parameters.
class StridedPad final : public Layer {
 public:
  struct Options {
    Index stride = 1;
    Index before = 0, behind = 0;
  };
  /// Throws Error(usage) for a stride below 1 and for less than no channels.
  explicit StridedPad(Options options);

  LayerSpec spec() const override;
  Flow build(Graph& graph, Flow in) const override;

 private:
  Options options_;
};

}  // namespace firn
