#pragma once

#include "layers/layer.h"

namespace firn {

/// Rows of a table (vocabulary, features) for tokens (N,T); torch.nn.Embedding.
class Embedding final : public Layer {
 public:
  struct Options {
    Index vocabulary = 0, features = 0;
  };
  explicit Embedding(Options options);

  LayerSpec spec() const override;
  Flow build(Graph& graph, Flow in) const override;

 private:
  Options options_;
  ParameterPtr weight_;
};

}  // namespace firn
