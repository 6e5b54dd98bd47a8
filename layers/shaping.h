// Layers that only give the numbers another shape.
#pragma once

#include "layers/layer.h"

namespace firn {

/// (N,...) to (N, rest).
class Flatten final : public Layer {
 public:
  LayerSpec spec() const override { return LayerSpec("flatten"); }
  Flow build(Graph& graph, Flow in) const override;
};

/// (N,...) to (N, sample), which has as many elements.
class Reshape final : public Layer {
 public:
  explicit Reshape(Shape sample) : sample_(sample) {}
  LayerSpec spec() const override;
  Flow build(Graph& graph, Flow in) const override;

 private:
  Shape sample_;
};

/// An image read row by row: (N,H,W,C) to (N,H,W*C).
class RowsToSequence final : public Layer {
 public:
  LayerSpec spec() const override { return LayerSpec("rows"); }
  Flow build(Graph& graph, Flow in) const override;
};

}  // namespace firn
