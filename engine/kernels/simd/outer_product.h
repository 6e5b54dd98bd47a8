// Products of every vector of one factor with every one of another, summed in registers.
#pragma once

#include "engine/kernels/simd/vec.h"

namespace firn::FIRN_ISA_SPACE {

/// The most vectors of one factor for 1, 2, ... of the other, so that their products' sums, the smaller
/// factor and one vector of the other stay in registers.
#if defined(__AVX512F__) || defined(__aarch64__)
inline constexpr Index kMost[] = {8, 8, 8, 6, 5, 4, 3, 3};
#else
inline constexpr Index kMost[] = {8, 6, 4, 3};
#endif
inline constexpr Index kMostColumns = sizeof(kMost) / sizeof(kMost[0]);
inline constexpr Index kMostRows = 8;

/// Else the compiler loads a vector once for each of its uses.
static inline void keep_in_register(Vec& v) {
#if defined(__AVX512F__)
  asm("" : "+v"(v));
#elif defined(__x86_64__)
  asm("" : "+x"(v));
#elif defined(__aarch64__)
  asm("" : "+w"(v));
#endif
}

/// sum[a][b] += left(a) * right(b)
template <int A, int B, class Left, class Right>
__attribute__((always_inline)) static inline void add_products(Vec (&sum)[A][B], const Left& left,
                                                               const Right& right) {
  if constexpr (A <= B) {
    Vec l[A];
#pragma GCC unroll 8
    for (int a = 0; a < A; ++a) l[a] = left(a);
#pragma GCC unroll 8
    for (int b = 0; b < B; ++b) {
      Vec r = right(b);
      keep_in_register(r);
#pragma GCC unroll 8
      for (int a = 0; a < A; ++a) sum[a][b] += l[a] * r;
    }
  } else {
    Vec r[B];
#pragma GCC unroll 8
    for (int b = 0; b < B; ++b) r[b] = right(b);
#pragma GCC unroll 8
    for (int a = 0; a < A; ++a) {
      Vec l = left(a);
      keep_in_register(l);
#pragma GCC unroll 8
      for (int b = 0; b < B; ++b) sum[a][b] += l * r[b];
    }
  }
}

}  // namespace firn::FIRN_ISA_SPACE
