#pragma once

#include "layers/layer.h"

namespace firn {

/// Layers one after the other. Without a name a layer is called by its place: "0", "1", ...
class Sequential final : public Layer {
 public:
  Sequential() = default;
  explicit Sequential(std::vector<Child> children);

  Sequential& add(LayerPtr layer);
  Sequential& add(std::string name, LayerPtr layer);

  LayerSpec spec() const override;
  Flow build(Graph& graph, Flow in) const override;
};

}  // namespace firn
