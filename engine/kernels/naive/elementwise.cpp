#include "engine/kernels/elementwise.h"

#include <cmath>

#include "engine/base/rng.h"
#include "engine/kernels/naive/epilogue.h"

namespace firn::naive {

namespace {

/// a'(x), from y = a(x) or from x as `gradient_uses_output` says.
real derivative(Activation a, real slope, real kept) {
  switch (a) {
    case Activation::none:
      return 1;
    case Activation::relu:
      return kept > 0 ? real(1) : real(0);
    case Activation::leaky_relu:
      return kept > 0 ? real(1) : slope;
    case Activation::gelu: {
      const real phi = std::exp(-kept * kept / 2) * real(0.39894228040143267794);
      return real(0.5) * std::erfc(-kept * real(0.70710678118654752440)) + kept * phi;
    }
    case Activation::silu: {
      const real s = activated(Activation::sigmoid, 0, kept);
      return s * (1 + kept * (1 - s));
    }
    case Activation::sigmoid:
      return kept * (1 - kept);
    case Activation::tanh:
      return 1 - kept * kept;
    case Activation::relu_to:
      return kept > 0 && kept < slope ? real(1) : real(0);
    case Activation::hard_sigmoid:
      return kept > 0 && kept < 1 ? slope : real(0);
    case Activation::hard_swish:
      return kept <= -3 ? real(0) : kept < 3 ? kept / 3 + real(0.5) : real(1);
    case Activation::gelu_tanh: {
      const real s = activated(Activation::sigmoid, 0, kGeluTanh * (kept + kGeluCube * kept * kept * kept));
      return s + kept * s * (1 - s) * kGeluTanh * (1 + 3 * kGeluCube * kept * kept);
    }
  }
  return 1;
}

void activate(Activation a, real slope, Index count, const real* x, real* y) {
  for (Index i = 0; i < count; ++i) y[i] = activated(a, slope, x[i]);
}

void activate_gradient(Activation a, real slope, Index count, const real* kept, const real* dy, real* dx) {
  for (Index i = 0; i < count; ++i) dx[i] = derivative(a, slope, kept[i]) * dy[i];
}

void add(Index count, const real* x1, const real* x2, real* y) {
  for (Index i = 0; i < count; ++i) y[i] = x1[i] + x2[i];
}

void multiply(Index count, const real* x1, const real* x2, real* y) {
  for (Index i = 0; i < count; ++i) y[i] = x1[i] * x2[i];
}

void axpby(Index count, real alpha, const real* x, real beta, real* y) {
  for (Index i = 0; i < count; ++i) y[i] = beta == 0 ? alpha * x[i] : alpha * x[i] + beta * y[i];
}

void add_row(Index rows, Index columns, const real* x, const real* bias, real* y) {
  for (Index r = 0; r < rows; ++r) {
    for (Index c = 0; c < columns; ++c) y[r * columns + c] = x[r * columns + c] + bias[c];
  }
}

real sum(Index count, const real* x) {
  double total = 0;
  for (Index i = 0; i < count; ++i) total += x[i];
  return static_cast<real>(total);
}

double sum_squares(Index count, const real* x) {
  double total = 0;
  for (Index i = 0; i < count; ++i) total += static_cast<double>(x[i]) * static_cast<double>(x[i]);
  return total;
}

void reduce_parts(Index parts_count, Index stride, Index count, const real* parts, real* out,
                  bool accumulate) {
  for (Index i = 0; i < count; ++i) {
    real total = accumulate ? out[i] : real(0);
    for (Index p = 0; p < parts_count; ++p) total += parts[p * stride + i];
    out[i] = total;
  }
}

void dropout(Index count, std::uint64_t first, real p, std::array<std::uint32_t, 2> key, std::uint64_t step,
             const real* x, real* y) {
  const auto low = [](std::uint64_t v) { return static_cast<std::uint32_t>(v); };
  const auto high = [](std::uint64_t v) { return static_cast<std::uint32_t>(v >> 32); };
  for (Index i = 0; i < count; ++i) {
    const std::uint64_t j = first + static_cast<std::uint64_t>(i);
    const std::uint32_t word = philox({low(j / 4), high(j / 4), low(step), high(step)}, key)[j % 4];
    const bool keep = static_cast<double>(word) >= static_cast<double>(p) * 0x1p32;
    y[i] = keep ? x[i] / (1 - p) : real(0);
  }
}

void gather(Index rows, Index columns, const real* table, const std::int32_t* tokens, real* y) {
  for (Index r = 0; r < rows; ++r) {
    for (Index c = 0; c < columns; ++c) y[r * columns + c] = table[tokens[r] * columns + c];
  }
}

void scatter_add(Index rows, Index columns, const real* dy, const std::int32_t* tokens, real* dtable) {
  for (Index r = 0; r < rows; ++r) {
    for (Index c = 0; c < columns; ++c) dtable[tokens[r] * columns + c] += dy[r * columns + c];
  }
}

void transpose(Index rows, Index columns, const real* x, Index ldx, real* y) {
  for (Index r = 0; r < rows; ++r) {
    for (Index c = 0; c < columns; ++c) y[c * rows + r] = x[r * ldx + c];
  }
}

}  // namespace

extern const ElementwiseKernels elementwise;
const ElementwiseKernels elementwise{activate, activate_gradient, add,          multiply, axpby,  add_row,
                                     sum,      sum_squares,       reduce_parts, dropout,  gather, scatter_add,
                                     transpose};

}  // namespace firn::naive
