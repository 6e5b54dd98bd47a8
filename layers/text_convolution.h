#pragma once

#include "layers/layer.h"

namespace firn {

/// Convolutions of several widths over a text, each followed by ReLU and the greatest over time:
/// (N,T,features) to (N, widths*channels) (Kim 2014, section 2). Windows that reach beyond the valid steps do
/// not count, but for the first, which reads zeros there. The convolution of width k is called "conv" and k.
class TextConvolution final : public Layer {
 public:
  struct Options {
    Index features = 0, channels = 0;
    std::vector<Index> widths;
  };
  explicit TextConvolution(Options options);

  LayerSpec spec() const override;
  Flow build(Graph& graph, Flow in) const override;

 private:
  Options options_;
};

}  // namespace firn
