// A leaky ReLU whose slope is learned (He et al. 2015).
#pragma once

#include "layers/layer.h"

namespace firn {

/// max(x, 0) + weight * min(x, 0) over (N,...,C), with a weight for each channel or one; torch.nn.PReLU.
class PRelu final : public Layer {
 public:
  struct Options {
    Index channels = 0;   ///< of what it reads
    bool shared = false;  ///< one weight for all of them
  };
  explicit PRelu(Options options);
  LayerSpec spec() const override;
  Flow build(Graph& graph, Flow in) const override;

 private:
  Options options_;
  ParameterPtr weight_;
};

}  // namespace firn
