// The epilogue of products and convolutions, element by element.
#pragma once

#include <cmath>

#include "engine/kernels/gemm.h"

namespace firn::naive {

inline constexpr real kGeluTanh = real(1.5957691216057308);  // 2 sqrt(2/pi): (1 + tanh(z)) / 2 = sigmoid(2 z)
inline constexpr real kGeluCube = real(0.044715);

inline real activated(Activation a, real slope, real x) {
  switch (a) {
    case Activation::none:
      return x;
    case Activation::relu:
      return x < 0 ? real(0) : x;
    case Activation::leaky_relu:
      return x > 0 ? x : slope * x;
    case Activation::gelu:
      return x * real(0.5) * std::erfc(-x * real(0.70710678118654752440));
    case Activation::silu:
      return x / (1 + std::exp(-x));
    case Activation::sigmoid:
      return 1 / (1 + std::exp(-x));
    case Activation::tanh:
      return std::tanh(x);
    case Activation::relu_to:
      return x < 0 ? real(0) : x > slope ? slope : x;
    case Activation::hard_sigmoid: {
      const real y = slope * x + real(0.5);
      return y < 0 ? real(0) : y > 1 ? real(1) : y;
    }
    case Activation::hard_swish: {  // x + 3 is exact where the answer is small
      const real up = x + 3;
      return x * (up < 0 ? real(0) : up > 6 ? real(6) : up) * (real(1) / 6);
    }
    case Activation::gelu_tanh:
      return x * activated(Activation::sigmoid, 0, kGeluTanh * (x + kGeluCube * x * x * x));
  }
  return x;
}

/// Finishes one row of n elements that begins `offset` elements behind the start of the output.
inline void finish_row(const Epilogue& e, Index offset, Index n, real* row) {
  for (Index j = 0; j < n; ++j) {
    real z = row[j];
    if (e.scale != nullptr) z *= e.scale[j];
    if (e.shift != nullptr) z += e.shift[j];
    if (e.residual != nullptr) z += e.residual[offset + j];
    row[j] = activated(e.activation, e.slope, z);
  }
}

}  // namespace firn::naive
