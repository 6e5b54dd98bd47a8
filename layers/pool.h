#pragma once

#include "layers/extent.h"
#include "layers/layer.h"

namespace firn {

/// What the pools over windows share.
struct WindowOptions {
  Extent kernel = 2;
  Extent stride = 0;  ///< 0: as the kernel
  Extent pad = 0;
  bool ceil = false;          ///< round the output's size up
  bool count_padding = true;  ///< averages: the padding counts among the places
};

/// Greatest of each window of an image; torch.nn.MaxPool2d.
class MaxPool2d final : public Layer {
 public:
  using Options = WindowOptions;
  explicit MaxPool2d(Options options) : options_(options) {}
  LayerSpec spec() const override;
  Flow build(Graph& graph, Flow in) const override;

 private:
  Options options_;
};

/// Mean of each window of an image; torch.nn.AvgPool2d.
class AveragePool2d final : public Layer {
 public:
  using Options = WindowOptions;
  explicit AveragePool2d(Options options) : options_(options) {}
  LayerSpec spec() const override;
  Flow build(Graph& graph, Flow in) const override;

 private:
  Options options_;
};

/// Mean over the image: (N,H,W,C) to (N,C).
class GlobalAveragePool final : public Layer {
 public:
  LayerSpec spec() const override { return LayerSpec("global_pool"); }
  Flow build(Graph& graph, Flow in) const override;
};

}  // namespace firn
