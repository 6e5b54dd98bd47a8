// Layers that read several values, for a `LayerGraph`.
#pragma once

#include "layers/layer.h"

namespace firn {

/// The sum of values of one shape, in their order.
class Add final : public Layer {
 public:
  LayerSpec spec() const override { return LayerSpec("add"); }
  Flow build(Graph&, Flow in) const override { return in; }
  Flow join(Graph& graph, std::span<const Flow> in) const override;
};

/// The product of values of one shape, element by element.
class Multiply final : public Layer {
 public:
  LayerSpec spec() const override { return LayerSpec("multiply"); }
  Flow build(Graph&, Flow in) const override { return in; }
  Flow join(Graph& graph, std::span<const Flow> in) const override;
};

/// Values that differ in their last dimension alone, one behind the other along it.
class Concatenate final : public Layer {
 public:
  LayerSpec spec() const override { return LayerSpec("concat"); }
  Flow build(Graph&, Flow in) const override { return in; }
  Flow join(Graph& graph, std::span<const Flow> in) const override;
};

}  // namespace firn
