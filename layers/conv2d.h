#pragma once

#include <optional>

#include "layers/extent.h"
#include "layers/layer.h"

namespace firn {

/// Convolution of images (N,H,W,in) to (N,OH,OW,out), torch.nn.Conv2d; or of sequences (N,T,in) to
/// (N,OT,out), torch.nn.Conv1d. A dilated kernel is computed with zeros between its places, which costs as
/// much as one without. Transposed it is torch.nn.ConvTranspose2d and ConvTranspose1d: OH = (H - 1) * stride
/// + dilation * (kernel - 1) + 1 - pad - pad_end + more.
class Conv2d final : public Layer {
 public:
  struct Options {
    Index in = 0, out = 0;
    Extent kernel = 3;
    Extent stride = 1;
    Extent pad = 0;                      ///< on both sides
    std::optional<Extent> pad_end = {};  ///< below and to the right, where that is not as much
    Extent dilation = 1;                 ///< between neighbouring places of the kernel
    bool steps = false;                  ///< of sequences: all extents are 1 or 0 in height
    Index groups = 1;
    bool bias = true;
    bool transposed = false;
    Extent more = 0;  ///< of a transposed one: added below and to the right, PyTorch's output_padding
  };
  explicit Conv2d(Options options);
  /// The padding that keeps the size at stride 1, with a kernel of odd size.
  static Extent same_pad(const Extent& kernel, const Extent& dilation);

  LayerSpec spec() const override;
  Flow build(Graph& graph, Flow in) const override;

 private:
  Options options_;
  ParameterPtr weight_, bias_;
};

}  // namespace firn
