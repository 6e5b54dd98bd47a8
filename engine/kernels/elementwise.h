// Kernels that go over memory once: activations, sums, scaling, dropout, gathering.
#pragma once

#include <array>

#include "engine/kernels/gemm.h"

namespace firn {

/// True when the gradient of `a` is computed from its output y, false when from its input x.
constexpr bool gradient_uses_output(Activation a) {
  return a != Activation::gelu && a != Activation::silu && a != Activation::hard_swish &&
         a != Activation::gelu_tanh;
}

/// All functions work on the calling thread; output may be the same memory as an input of the same size.
struct ElementwiseKernels {
  /// y[i] = a(x[i]); exp, tanh, erf within 8 ulp over the whole range. `slope` is leaky_relu's.
  void (*activate)(Activation a, real slope, Index count, const real* x, real* y);
  /// dx[i] = a'(.) * dy[i], with `kept` y or x as `gradient_uses_output` says. relu'(0) = 0.
  void (*activate_gradient)(Activation a, real slope, Index count, const real* kept, const real* dy,
                            real* dx);

  /// y = x1 + x2; y = x1 * x2; y = alpha * x + beta * y (beta = 0 does not read y).
  void (*add)(Index count, const real* x1, const real* x2, real* y);
  void (*multiply)(Index count, const real* x1, const real* x2, real* y);
  void (*axpby)(Index count, real alpha, const real* x, real beta, real* y);
  /// y[r,c] = x[r,c] + bias[c]
  void (*add_row)(Index rows, Index columns, const real* x, const real* bias, real* y);

  /// Sum of x, in a fixed order: lanes, then a tree.
  real (*sum)(Index count, const real* x);
  /// Sum of x^2 in double, in a fixed order.
  double (*sum_squares)(Index count, const real* x);

  /// out[i] = (accumulate ? out[i] : 0) + sum_p parts[p*stride + i] over p in [0, parts_count), in ascending
  /// order.
  void (*reduce_parts)(Index parts_count, Index stride, Index count, const real* parts, real* out,
                       bool accumulate);

  /// Inverted dropout: y[i] = keep(first + i) ? x[i] / (1 - p) : 0, where keep(j) is word j % 4 of
  /// philox(counter (j/4 low, j/4 high, step low, step high), key) >= p * 2^32. Its own gradient (x = dy).
  void (*dropout)(Index count, std::uint64_t first, real p, std::array<std::uint32_t, 2> key,
                  std::uint64_t step, const real* x, real* y);

  /// y[r,:] = table[tokens[r],:]; requires 0 <= tokens[r] < table rows.
  void (*gather)(Index rows, Index columns, const real* table, const std::int32_t* tokens, real* y);
  /// dtable[tokens[r],:] += dy[r,:], r ascending.
  void (*scatter_add)(Index rows, Index columns, const real* dy, const std::int32_t* tokens, real* dtable);

  /// y[c,r] = x[r,c], rows of x `ldx` >= columns apart; y is other memory.
  void (*transpose)(Index rows, Index columns, const real* x, Index ldx, real* y);
};

}  // namespace firn
