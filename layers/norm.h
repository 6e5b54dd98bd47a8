// Normalisations: batch norm and layer norm.
#pragma once

#include "layers/layer.h"

namespace firn {

/// Batch norm over the last dimension; torch.nn.BatchNorm1d and 2d. In a graph for training it uses the
/// batch's statistics while its running statistics are trainable, and moves these; frozen, or in inference,
/// it uses the running ones. With `Graph::Options::batch_statistics` a frozen one uses the batch's too, and
/// still moves nothing. Running mean and variance are frozen together: `build` throws Error(usage) for one
/// alone.
class BatchNorm final : public Layer {
 public:
  struct Options {
    Index channels = 0;
    real epsilon = real(1e-5);
    real momentum = real(0.1);  ///< share of the batch in the running statistics
  };
  explicit BatchNorm(Options options);

  LayerSpec spec() const override;
  Flow build(Graph& graph, Flow in) const override;

 private:
  Options options_;
  ParameterPtr weight_, bias_, mean_, variance_;
};

/// Layer norm over the last dimension; torch.nn.LayerNorm.
class LayerNorm final : public Layer {
 public:
  struct Options {
    Index features = 0;
    real epsilon = real(1e-5);
  };
  explicit LayerNorm(Options options);

  LayerSpec spec() const override;
  Flow build(Graph& graph, Flow in) const override;

 private:
  Options options_;
  ParameterPtr weight_, bias_;
};

/// Local response norm over the channels, without parameters; torch.nn.LocalResponseNorm of odd size.
class LocalResponse final : public Layer {
 public:
  struct Options {
    Index size = 5;
    real alpha = real(1e-4), beta = real(0.75), k = 1;
  };
  explicit LocalResponse(Options options) : options_(options) {}
  LayerSpec spec() const override;
  Flow build(Graph& graph, Flow in) const override;

 private:
  Options options_;
};

}  // namespace firn
