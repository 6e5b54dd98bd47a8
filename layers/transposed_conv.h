#pragma once

#include <optional>

#include "layers/extent.h"
#include "layers/layer.h"

namespace firn {

/// Transposed convolution of images (N,H,W,in) to (N,OH,OW,out), torch.nn.ConvTranspose2d; or of sequences
/// (N,T,in) to (N,OT,out), torch.nn.ConvTranspose1d. OH = (H - 1) * stride + dilation * (kernel - 1) + 1 -
/// pad
/// - pad_end + more.
class TransposedConv final : public Layer {
 public:
  struct Options {
    Index in = 0, out = 0;
    Extent kernel = 3;
    Extent stride = 1;
    Extent pad = 0;                      ///< so much is left out on both sides
    std::optional<Extent> pad_end = {};  ///< below and to the right, where that is not as much
    Extent more = 0;                     ///< so much is added below and to the right: output_padding
    Extent dilation = 1;                 ///< between neighbouring places of the kernel
    bool steps = false;                  ///< of sequences: all extents are 1 or 0 in height
    Index groups = 1;
    bool bias = true;
  };
  explicit TransposedConv(Options options);

  LayerSpec spec() const override;
  Flow build(Graph& graph, Flow in) const override;

 private:
  Options options_;
  ParameterPtr weight_, bias_;
};

}  // namespace firn
