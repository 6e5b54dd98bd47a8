// The activations: each rule with its derivative, in one table.
#pragma once

#include "engine/kernels/gemm.h"
#include "engine/kernels/simd/transcendental.h"

namespace firn::FIRN_ISA_SPACE {

/// A rule is forward(x, slope) and derivative(kept, slope), where `kept` is y or x as `gradient_uses_output`
/// says.
struct Identity {
  static Vec forward(Vec x, float) { return x; }
  static Vec derivative(Vec, float) { return broadcast(1); }
};

struct Relu {
  static Vec forward(Vec x, float) { return max(Vec{}, x); }
  static Vec derivative(Vec y, float) { return y > Vec{} ? broadcast(1) : Vec{}; }
};

struct LeakyRelu {
  static Vec forward(Vec x, float slope) { return x > Vec{} ? x : slope * x; }
  static Vec derivative(Vec y, float slope) { return y > Vec{} ? broadcast(1) : broadcast(slope); }
};

struct Gelu {
  /// A positive x loses nothing when its tail is taken off; a negative one is the tail itself.
  static Vec forward(Vec x, float) { return x * normal(x).cumulative; }
  static Vec derivative(Vec x, float) {
    const Normal at = normal(x);
    return at.cumulative + x * at.density;
  }
};

struct Silu {
  static Vec forward(Vec x, float) { return silu(x); }
  static Vec derivative(Vec x, float) {
    const Vec s = sigmoid(x);
    return s * (1 + x * (1 - s));
  }
};

struct Sigmoid {
  static Vec forward(Vec x, float) { return sigmoid(x); }
  static Vec derivative(Vec y, float) { return y * (1 - y); }
};

struct Tanh {
  static Vec forward(Vec x, float) { return tanh(x); }
  static Vec derivative(Vec y, float) { return 1 - y * y; }
};

struct ReluTo {
  static Vec forward(Vec x, float most) { return min(broadcast(most), max(Vec{}, x)); }
  static Vec derivative(Vec y, float most) {
    const Vec below = y < broadcast(most) ? broadcast(1) : Vec{};
    return y > Vec{} ? below : Vec{};
  }
};

struct HardSigmoid {
  static Vec forward(Vec x, float slope) { return min(broadcast(1), max(Vec{}, slope * x + 0.5f)); }
  static Vec derivative(Vec y, float slope) {
    const Vec below = y < broadcast(1) ? broadcast(slope) : Vec{};
    return y > Vec{} ? below : Vec{};
  }
};

struct HardSwish {
  /// x + 3 is exact where the answer is small.
  static Vec forward(Vec x, float) {
    const Vec up = x + 3.0f;
    const Vec capped = up > broadcast(6) ? broadcast(6) : up;
    return x * (capped < Vec{} ? Vec{} : capped) * (1.0f / 6);
  }
  static Vec derivative(Vec x, float) {
    const Vec below = x < broadcast(3) ? x * (1.0f / 3) + 0.5f : broadcast(1);
    return x > broadcast(-3) ? below : Vec{};
  }
};

struct GeluTanh {
  static constexpr float kFactor = 1.5957691216057308f, kCube = 0.044715f;
  static Vec forward(Vec x, float) { return x * sigmoid(kFactor * (x + kCube * x * x * x)); }
  static Vec derivative(Vec x, float) {
    const Vec s = sigmoid(kFactor * (x + kCube * x * x * x));
    return s + x * s * (1 - s) * kFactor * (1 + 3 * kCube * x * x);
  }
};

/// f(the rule of a)
template <class F>
static inline void with_rule(Activation a, const F& f) {
  switch (a) {
    case Activation::none:
      return f(Identity{});
    case Activation::relu:
      return f(Relu{});
    case Activation::leaky_relu:
      return f(LeakyRelu{});
    case Activation::gelu:
      return f(Gelu{});
    case Activation::silu:
      return f(Silu{});
    case Activation::sigmoid:
      return f(Sigmoid{});
    case Activation::tanh:
      return f(Tanh{});
    case Activation::relu_to:
      return f(ReluTo{});
    case Activation::hard_sigmoid:
      return f(HardSigmoid{});
    case Activation::hard_swish:
      return f(HardSwish{});
    case Activation::gelu_tanh:
      return f(GeluTanh{});
  }
}

}  // namespace firn::FIRN_ISA_SPACE
