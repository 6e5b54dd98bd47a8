// The activations that kernels know.
#pragma once

#include <string_view>

namespace firn {

/// What a kernel may apply to its result on the way to memory. The formulas:
/// relu max(x,0), NaN stays NaN; leaky_relu x>0 ? x : slope*x; gelu x*Phi(x), the exact one (Hendrycks and
/// Gimpel 2016); silu x*sigmoid(x); sigmoid 1/(1+exp(-x)); tanh.
enum class Activation { none, relu, leaky_relu, gelu, silu, sigmoid, tanh };

/// "leaky_relu"
constexpr std::string_view activation_name(Activation activation) {
  switch (activation) {
    case Activation::none:
      return "none";
    case Activation::relu:
      return "relu";
    case Activation::leaky_relu:
      return "leaky_relu";
    case Activation::gelu:
      return "gelu";
    case Activation::silu:
      return "silu";
    case Activation::sigmoid:
      return "sigmoid";
    case Activation::tanh:
      return "tanh";
  }
  return "?";
}

}  // namespace firn
