// The body of the micro-kernel and its epilogue.
#pragma once

#include "engine/kernels/simd/micro_kernel.h"

namespace firn::FIRN_ISA_SPACE {

/// Rows that share one pointer: their distances 0, 1, 2, 3 * ams cost no register but ams' and 3*ams'.
inline constexpr int kRowsPerPointer = 4;

template <int MR, int NV>
struct Accumulators {
  Vec z[MR][NV];

  template <class F>
  __attribute__((always_inline)) void for_each(const F& f) {
#pragma GCC unroll 32
    for (int m = 0; m < MR; ++m) {
#pragma GCC unroll 2
      for (int v = 0; v < NV; ++v) z[m][v] = f(z[m][v], m, v);
    }
  }
};

/// The epilogue in registers. `load_at(p, v)` and `store_at(p, x, v)` reach vector v of a row at p.
template <int MR, int NV, class Load, class Store>
__attribute__((always_inline)) static inline void finish(Accumulators<MR, NV>& acc, const Tile& t,
                                                         const Load& load_at, const Store& store_at) {
  const Epilogue& e = t.epilogue;
  if (t.accumulate) acc.for_each([&](Vec z, int m, int v) { return load_at(t.c + m * t.ldc, v) + z; });
  if (e.scale != nullptr) {
    Vec s[NV];
    for (int v = 0; v < NV; ++v) s[v] = load_at(e.scale, v);
    acc.for_each([&](Vec z, int, int v) { return z * s[v]; });
  }
  if (e.shift != nullptr) {
    Vec s[NV];
    for (int v = 0; v < NV; ++v) s[v] = load_at(e.shift, v);
    acc.for_each([&](Vec z, int, int v) { return z + s[v]; });
  }
  if (e.residual != nullptr) {
    acc.for_each([&](Vec z, int m, int v) { return z + load_at(e.residual + m * t.ldc, v); });
  }
  if (e.activation == Activation::relu) {
    acc.for_each([&](Vec z, int, int) { return max(Vec{}, z); });
  } else if (e.activation == Activation::leaky_relu) {
    acc.for_each([&](Vec z, int, int) { return z > Vec{} ? z : e.slope * z; });
  }
  acc.for_each([&](Vec z, int m, int v) {
    store_at(t.c + m * t.ldc, z, v);
    return z;
  });
}

/// Rows of B from their being asked for to their use, where they are far: some hundred cycles, the way from
/// the second-level cache.
inline constexpr Index kFetchAhead = 8;

template <int MR, int NV, bool far>
static void tile_kernel(const Tile& t) {
  constexpr int kPointers = (MR + kRowsPerPointer - 1) / kRowsPerPointer;
  Accumulators<MR, NV> acc{};
  const float* b = t.b;
  const Index ams = t.ams, ldb = t.ldb;
  const float* ahead = b + kFetchAhead * ldb;
  Index aks = t.aks;
  asm("" : "+r"(aks));  // else the compiler makes a second loop for aks = 1
  for (Index o = 0; o < t.outer; ++o) {
    for (Index i = 0; i < t.inner; ++i) {
      const float* a[kPointers];
#pragma GCC unroll 8
      for (int p = 0; p < kPointers; ++p) {
        a[p] = t.a + o * t.outer_stride + i * t.inner_stride + p * kRowsPerPointer * ams;
        asm("" : "+r"(a[p]));  // else it gives every row a pointer of its own and runs out of registers
      }
      for (Index k = t.k; k > 0; --k) {
        Vec bv[NV];
#pragma GCC unroll 2
        for (int v = 0; v < NV; ++v) bv[v] = load(b + v * kLanes);
        if constexpr (far) {
#pragma GCC unroll 2
          for (int v = 0; v < NV; ++v) __builtin_prefetch(ahead + v * kLanes);
          ahead += ldb;
        }
#pragma GCC unroll 32
        for (int m = 0; m < MR; ++m) {
          const float av = a[m / kRowsPerPointer][(m % kRowsPerPointer) * ams];
#pragma GCC unroll 2
          for (int v = 0; v < NV; ++v) acc.z[m][v] += av * bv[v];
        }
#pragma GCC unroll 8
        for (int p = 0; p < kPointers; ++p) a[p] += aks;
        b += ldb;
      }
    }
  }
  if (t.columns == NV * kLanes) {
    finish(
        acc, t, [](const float* p, int v) { return load(p + v * kLanes); },
        [](float* p, Vec z, int v) { store(p + v * kLanes, z); });
  } else {
    const Index tail = t.columns - (NV - 1) * kLanes;
    finish(
        acc, t,
        [&](const float* p, int v) {
          return v == NV - 1 ? load_part(p + v * kLanes, tail) : load(p + v * kLanes);
        },
        [&](float* p, Vec z, int v) {
          if (v == NV - 1) {
            store_part(p + v * kLanes, z, tail);
          } else {
            store(p + v * kLanes, z);
          }
        });
  }
}

}  // namespace firn::FIRN_ISA_SPACE
