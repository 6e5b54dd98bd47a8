// An image made larger by repeating its places.
#pragma once

#include "layers/extent.h"
#include "layers/layer.h"

namespace firn {

/// (N,H,W,C) to (N,h*H,w*W,C): each place h by w times; torch.nn.Upsample(mode="nearest").
class Upsample final : public Layer {
 public:
  /// Throws Error(usage) for factors below 1.
  explicit Upsample(Extent factor);
  LayerSpec spec() const override { return LayerSpec("upsample").bare("factor", factor_.brief()); }
  Flow build(Graph& graph, Flow in) const override;

 private:
  Extent factor_;
};

}  // namespace firn
