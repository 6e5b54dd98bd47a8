// Numbers that every sample meets: one for all places, or a parameter for each channel.
#pragma once

#include "layers/layer.h"

namespace firn {

/// y = factor * x + summand.
class Affine final : public Layer {
 public:
  Affine(real factor, real summand) : factor_(factor), summand_(summand) {}
  LayerSpec spec() const override;
  Flow build(Graph& graph, Flow in) const override;

 private:
  real factor_, summand_;
};

/// A parameter (C) that each place is multiplied by, or that is added to it; it is called as the layer. In
/// files it may have another shape of C numbers, (1,C,1,1).
class ChannelParameter final : public Layer {
 public:
  enum class Kind { scale, shift };
  /// Throws Error(usage) for a shape of another number of elements.
  ChannelParameter(Kind kind, Index channels, Shape file = {});
  LayerSpec spec() const override;
  Flow build(Graph& graph, Flow in) const override;

 private:
  Kind kind_;
  Shape file_;
  ParameterPtr numbers_;
};

}  // namespace firn
