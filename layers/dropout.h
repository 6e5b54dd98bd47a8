#pragma once

#include "layers/layer.h"

namespace firn {

/// Inverted dropout with probability p, in training alone; off below the lowest trainable parameter unless
/// the graph says otherwise. Draws from the stream of its dotted name, so two of them want two names.
class Dropout final : public Layer {
 public:
  /// Throws Error(usage) unless 0 <= p < 1.
  explicit Dropout(real p);
  LayerSpec spec() const override;
  Flow build(Graph& graph, Flow in) const override;

 private:
  real p_;
};

}  // namespace firn
