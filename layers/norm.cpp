#include "layers/norm.h"

#include <fmt/core.h>

#include "engine/base/error.h"
#include "engine/ops/batch_norm.h"
#include "engine/ops/layer_norm.h"
#include "engine/ops/local_response_norm.h"

namespace firn {

namespace {

constexpr Fill kZeros{Fill::Kind::constant, 0};
constexpr Fill kOnes{Fill::Kind::constant, 1};

void require_epsilon(const char* layer, real epsilon) {
  if (!(epsilon >= 0))
    throw Error(Fault::usage, layer, fmt::format("epsilon {}, wanted is one from 0", epsilon));
}

}  // namespace

BatchNorm::BatchNorm(Options options) : options_(options) {
  require_epsilon("batch_norm", options_.epsilon);
  if (!(options_.momentum >= 0 && options_.momentum <= 1))
    throw Error(Fault::usage, "batch_norm",
                fmt::format("momentum {}, wanted is a share from 0 to 1", options_.momentum));
  const Shape shape{options_.channels};
  weight_ = own("weight", shape, Role::norm, kOnes);
  bias_ = own("bias", shape, Role::norm, kZeros);
  mean_ = own("running_mean", shape, Role::statistic, kZeros);
  variance_ = own("running_var", shape, Role::statistic, kOnes);
}

LayerSpec BatchNorm::spec() const {
  return LayerSpec("norm")
      .option("epsilon", options_.epsilon, Options{}.epsilon)
      .option("momentum", options_.momentum, Options{}.momentum);
}

Flow BatchNorm::build(Graph& graph, Flow in) const {
  if (graph.trains(*mean_) != graph.trains(*variance_)) {
    throw Error(
        Fault::usage, "batch_norm",
        fmt::format("of {} and {} one is frozen: freeze both or neither", mean_->name(), variance_->name()));
  }
  const Value gamma = graph.parameter(weight_);
  const Value beta = graph.parameter(bias_);
  const bool moves = graph.trains(*mean_);
  if (graph.options().mode == Mode::train && (moves || graph.options().batch_statistics)) {
    in.x = batch_norm_train(graph, in.x, gamma, beta, moves ? mean_ : nullptr, moves ? variance_ : nullptr,
                            options_.epsilon, options_.momentum);
  } else {
    in.x = batch_norm_frozen(graph, in.x, gamma, beta, graph.parameter(mean_), graph.parameter(variance_),
                             options_.epsilon);
  }
  return in;
}

LayerNorm::LayerNorm(Options options) : options_(options) {
  require_epsilon("layer_norm", options_.epsilon);
  weight_ = own("weight", Shape{options_.features}, Role::norm, kOnes);
  bias_ = own("bias", Shape{options_.features}, Role::norm, kZeros);
}

LayerSpec LayerNorm::spec() const {
  return LayerSpec("layer_norm").option("epsilon", options_.epsilon, Options{}.epsilon);
}

Flow LayerNorm::build(Graph& graph, Flow in) const {
  in.x = layer_norm(graph, in.x, graph.parameter(weight_), graph.parameter(bias_), options_.epsilon);
  return in;
}

LayerSpec LocalResponse::spec() const {
  return LayerSpec("local_response_norm")
      .bare("size", options_.size)
      .option("alpha", options_.alpha, Options{}.alpha)
      .option("beta", options_.beta, Options{}.beta)
      .option("k", options_.k, Options{}.k);
}

Flow LocalResponse::build(Graph& graph, Flow in) const {
  in.x = local_response_norm(
      graph, in.x, {.size = options_.size, .alpha = options_.alpha, .beta = options_.beta, .k = options_.k});
  return in;
}

}  // namespace firn
