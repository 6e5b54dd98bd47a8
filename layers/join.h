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

/// The product of values of one shape, element by element; of two also where the second has one number for
/// each channel of a sample, (N,C) or (N,1,1,C) for (N,H,W,C).
class Multiply final : public Layer {
 public:
  LayerSpec spec() const override { return LayerSpec("multiply"); }
  Flow build(Graph&, Flow in) const override { return in; }
  Flow join(Graph& graph, std::span<const Flow> in) const override;
};

/// Values that differ in one dimension alone, one behind the other along it: the last, or `axis` of a sample,
/// counted from 1.
class Concatenate final : public Layer {
 public:
  explicit Concatenate(Index axis = 0) : axis_(axis) {}
  LayerSpec spec() const override { return LayerSpec("concat").option("axis", axis_, 0); }
  Flow build(Graph&, Flow in) const override { return in; }
  Flow join(Graph& graph, std::span<const Flow> in) const override;

 private:
  Index axis_;
};

}  // namespace firn
