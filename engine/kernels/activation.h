// The activations that kernels know.
#pragma once

#include <string_view>

namespace firn {

/// What a kernel may apply to its result on the way to memory. The formulas:
/// relu max(x,0), NaN stays NaN; leaky_relu x>0 ? x : slope*x; gelu x*Phi(x), the exact one (Hendrycks and
/// Gimpel 2016); silu x*sigmoid(x); sigmoid 1/(1+exp(-x)); tanh; relu_to min(max(x,0),slope) (ReLU6);
/// hard_sigmoid min(max(slope*x+1/2,0),1); hard_swish x*min(max(x/6+1/2,0),1) (Howard 2019); gelu_tanh the
/// approximation x/2*(1+tanh(sqrt(2/pi)*(x+0.044715*x^3))).
enum class Activation {
  none,
  relu,
  leaky_relu,
  gelu,
  silu,
  sigmoid,
  tanh,
  relu_to,
  hard_sigmoid,
  hard_swish,
  gelu_tanh
};

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
    case Activation::relu_to:
      return "relu_to";
    case Activation::hard_sigmoid:
      return "hard_sigmoid";
    case Activation::hard_swish:
      return "hard_swish";
    case Activation::gelu_tanh:
      return "gelu_tanh";
  }
  return "?";
}

}  // namespace firn
