// The recurrent product h_{t-1} * W_hh of a few rows and one block of units, all gates of it.
#pragma once

#include <utility>

#include "engine/kernels/simd/vec.h"

namespace firn::FIRN_ISA_SPACE {

/// The most rows of a tile of `gates` gates: rows * gates accumulators, one weight and the rows' numbers fill
/// the registers.
#if defined(__AVX512F__)
constexpr Index tile_rows(Index gates) {
  return gates == 4 ? 6 : 8;
}
#elif defined(__aarch64__)
constexpr Index tile_rows(Index gates) {
  return gates == 4 ? 6 : 8;
}
#else
constexpr Index tile_rows(Index gates) {
  return gates == 4 ? 3 : 4;
}
#endif

/// Tiles that go through a panel together, and how deep at a time: so much of a panel stays in the
/// first-level cache.
inline constexpr Index kTogether = 8;
inline constexpr Index kDepth = 128;

/// The packed weight: for each block of kLanes units a panel of h rows, a row holding the block's columns of
/// one gate after the other; units beyond h are zero.
constexpr Index unit_blocks(Index h) {
  return (h + kLanes - 1) / kLanes;
}
constexpr Index panel_count(Index gates, Index h) {
  return h * gates * kLanes;
}

/// out[row][gate] = (accumulate ? out[row][gate] : 0) + sum_k state[row*stride + k] * panel[k][gate], k
/// ascending in [0, depth).
using ProductKernel = void (*)(Index depth, const float* state, Index stride, const float* panel,
                               bool accumulate, Vec* out);

template <int gates, int rows>
static void product_kernel(Index depth, const float* state, Index stride, const float* panel, bool accumulate,
                           Vec* out) {
  // Four rows share a pointer: their distances 0, 1, 2, 3 * stride cost two registers for all.
  constexpr int kPointers = (rows + 3) / 4;
  const float* a[kPointers];
#pragma GCC unroll 2
  for (int p = 0; p < kPointers; ++p) {
    a[p] = state + 4 * p * stride;
    asm("" : "+r"(a[p]));  // else the compiler gives every row a pointer of its own
  }
  Vec z[rows][gates] = {};
  if (accumulate) {
#pragma GCC unroll 8
    for (int m = 0; m < rows; ++m) {
#pragma GCC unroll 4
      for (int g = 0; g < gates; ++g) z[m][g] = out[m * gates + g];
    }
  }
  for (Index k = 0; k < depth; ++k) {
    Vec w[gates];
#pragma GCC unroll 4
    for (int g = 0; g < gates; ++g) w[g] = load(panel + g * kLanes);
#pragma GCC unroll 8
    for (int m = 0; m < rows; ++m) {
      const float s = a[m / 4][(m % 4) * stride];
#pragma GCC unroll 4
      for (int g = 0; g < gates; ++g) z[m][g] += s * w[g];
    }
#pragma GCC unroll 2
    for (int p = 0; p < kPointers; ++p) ++a[p];
    panel += gates * kLanes;
  }
#pragma GCC unroll 8
  for (int m = 0; m < rows; ++m) {
#pragma GCC unroll 4
    for (int g = 0; g < gates; ++g) out[m * gates + g] = z[m][g];
  }
}

/// The kernels for 1, 2, ... tile_rows(gates) rows.
template <int gates, class Rows = std::make_integer_sequence<int, int{tile_rows(gates)}>>
struct ProductKernels;
template <int gates, int... rows>
struct ProductKernels<gates, std::integer_sequence<int, rows...>> {
  static constexpr ProductKernel of_rows[] = {product_kernel<gates, rows + 1>...};
};

}  // namespace firn::FIRN_ISA_SPACE
