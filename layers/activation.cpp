#include "layers/activation.h"

#include <fmt/core.h>

#include "engine/ops/activation.h"
#include "engine/ops/softmax.h"

namespace firn {

std::string Activate::text() const {
  switch (activation_) {
    case Activation::none:
      return "Identity()";
    case Activation::relu:
      return "ReLU()";
    case Activation::leaky_relu:
      return fmt::format("LeakyReLU({:.3g})", slope_);
    case Activation::gelu:
      return "GELU()";
    case Activation::silu:
      return "SiLU()";
    case Activation::sigmoid:
      return "Sigmoid()";
    case Activation::tanh:
      return "Tanh()";
  }
  return "?";
}

Flow Activate::build(Graph& graph, Flow in) const {
  if (activation_ != Activation::none) in.x = activate(graph, activation_, in.x, slope_);
  return in;
}

Flow Softmax::build(Graph& graph, Flow in) const {
  in.x = softmax(graph, in.x);
  return in;
}

}  // namespace firn
