#pragma once

#include "layers/extent.h"
#include "layers/layer.h"

namespace firn {

/// Convolution of images (N,H,W,in) to (N,OH,OW,out); torch.nn.Conv2d.
class Conv2d final : public Layer {
 public:
  struct Options {
    Index in = 0, out = 0;
    Extent kernel = 3;
    Extent stride = 1;
    Extent pad = 0;  ///< on both sides
    Index groups = 1;
    bool bias = true;
  };
  explicit Conv2d(Options options);

  LayerSpec spec() const override;
  Flow build(Graph& graph, Flow in) const override;

 private:
  Options options_;
  ParameterPtr weight_, bias_;
};

}  // namespace firn
