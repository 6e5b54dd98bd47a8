#pragma once

#include "layers/layer.h"

namespace firn {

/// Any graph of layers with one value in and one out. Parameters are named as if the nodes were children of
/// the layer around it.
class LayerGraph final : public Layer {
 public:
  static constexpr int kEntry = -1;  ///< what enters the graph, called "in" in a network's text
  struct Node {
    std::string name;
    LayerPtr layer;
    std::vector<int> inputs;  ///< numbers of nodes before this one, or `kEntry`
  };
  /// In an order of computation; the last node's value comes out. Throws Error(usage) for a graph without
  /// nodes, a node without a name or inputs, names that are equal or "in", and an input that comes later.
  explicit LayerGraph(std::vector<Node> nodes);

  LayerSpec spec() const override;
  Flow build(Graph& graph, Flow in) const override;

 private:
  std::vector<std::vector<int>> inputs_;
};

}  // namespace firn
