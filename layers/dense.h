#pragma once

#include "layers/layer.h"

namespace firn {

/// y (...,out) = x (...,in) * weight + bias; torch.nn.Linear.
class Dense final : public Layer {
 public:
  struct Options {
    Index in = 0, out = 0;
    bool bias = true;
    Shape image = {};  ///< (H,W,C) when it reads a flattened image: PyTorch's files then run over C,H,W
  };
  explicit Dense(Options options);

  LayerSpec spec() const override;
  Flow build(Graph& graph, Flow in) const override;

  const ParameterPtr& weight() const { return weight_; }

 private:
  Options options_;
  ParameterPtr weight_, bias_;
  bool transposed_ = false;  ///< the weight is another layer's, which holds it as (out,in)
};

}  // namespace firn
