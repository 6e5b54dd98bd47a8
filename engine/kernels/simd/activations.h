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
  }
}

}  // namespace firn::FIRN_ISA_SPACE
