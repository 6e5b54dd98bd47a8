#pragma once

#include "layers/layer.h"

namespace firn {

/// Layers that read the same value, their results one behind the other along the last dimension: the
/// expanding half of a fire module (Iandola 2016), or the two directions of a recurrent layer (the second one
/// made with `reverse`). Their parameters are named as if they were this layer's own.
class Branch final : public Layer {
 public:
  explicit Branch(const std::vector<LayerPtr>& arms);
  LayerSpec spec() const override;
  Flow build(Graph& graph, Flow in) const override;
};

}  // namespace firn
