#include "layers/activation.h"

#include <fmt/core.h>

#include "engine/ops/activation.h"
#include "engine/ops/log_softmax.h"
#include "engine/ops/softmax.h"

namespace firn {

LayerSpec Activate::spec() const {
  LayerSpec spec(activation_ == Activation::none ? "identity" : std::string(activation_name(activation_)));
  if (activation_ == Activation::leaky_relu) {
    if (slope_ != real(0.01)) spec.bare("slope", exact_text(slope_));
  }
  if (activation_ == Activation::relu_to) spec.bare("most", exact_text(slope_));
  if (activation_ == Activation::hard_sigmoid) spec.option("slope", slope_, real(1) / 6);
  return spec;
}

Flow Activate::build(Graph& graph, Flow in) const {
  if (activation_ != Activation::none) in.x = activate(graph, activation_, in.x, slope_);
  return in;
}

Flow LogSoftmax::build(Graph& graph, Flow in) const {
  in.x = log_softmax(graph, in.x);
  return in;
}

Flow Softmax::build(Graph& graph, Flow in) const {
  in.x = softmax(graph, in.x);
  return in;
}

}  // namespace firn
