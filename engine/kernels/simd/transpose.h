// From pixels with their channels side by side to planes of one channel, and back.
#pragma once

#include <utility>

#include "engine/kernels/simd/lanes.h"

namespace firn::FIRN_ISA_SPACE {

/// Lane i of the result: a[i] where bit `d` of i is 0, else b[i - d].
template <int d, int... i>
static inline Vec lower_halves(Vec a, Vec b, std::integer_sequence<int, i...>) {
  return __builtin_shufflevector(a, b, ((i & d) == 0 ? i : i - d + int{kLanes})...);
}
/// Lane i of the result: a[i + d] where bit `d` of i is 0, else b[i].
template <int d, int... i>
static inline Vec upper_halves(Vec a, Vec b, std::integer_sequence<int, i...>) {
  return __builtin_shufflevector(a, b, ((i & d) == 0 ? i + d : i + int{kLanes})...);
}

using LaneOrder = std::make_integer_sequence<int, int{kLanes}>;

/// Transposes each block of Q lanes of Q vectors, by blocks of half the size (Eklundh 1972).
template <int Q, int d = Q / 2>
__attribute__((always_inline)) static inline void transpose_blocks(Vec* z) {
  if constexpr (d > 0) {
#pragma GCC unroll 16
    for (int i = 0; i < Q; ++i) {
      if ((i & d) != 0) continue;
      const Vec a = z[i], b = z[i + d];
      z[i] = lower_halves<d>(a, b, LaneOrder{});
      z[i + d] = upper_halves<d>(a, b, LaneOrder{});
    }
    transpose_blocks<Q, d / 2>(z);
  }
}

/// Lane i of the result is the sum of the lanes of z[i].
template <int d = int{kLanes} / 2>
__attribute__((always_inline)) static inline Vec sum_each(Vec* z) {
  if constexpr (d > 0) {
#pragma GCC unroll 16
    for (int i = 0; i < d; ++i) {
      const Vec a = z[i], b = z[i + d];
      z[i] = lower_halves<d>(a, b, LaneOrder{}) + upper_halves<d>(a, b, LaneOrder{});
    }
    return sum_each<d / 2>(z);
  } else {
    return z[0];
  }
}

/// The Q vectors that `count` <= kLanes pixels of at most Q channels make: pixel k*Q + i in block k of vector
/// i.
template <int Q, bool full>
__attribute__((always_inline)) static inline void load_pixels(const float* x, Index pixel, Index channels,
                                                              Index count, Vec* z) {
#pragma GCC unroll 16
  for (int i = 0; i < Q; ++i) {
    z[i] = Vec{};
#pragma GCC unroll 16
    for (int p = i; p < kLanes; p += Q) {
      if (full || p < count) z[i] = load_lanes(z[i], x + p * pixel, p - i, channels);
    }
  }
}

template <int Q>
[[gnu::noinline]] static void pixels_to_planes(const float* x, Index pixel, Index channels, Index count,
                                               float* planes, Index plane, Index next) {
  Vec z[Q];
  for (; count >= kLanes; count -= kLanes, x += kLanes * pixel, planes += next) {
    load_pixels<Q, true>(x, pixel, channels, count, z);
    transpose_blocks<Q>(z);
#pragma GCC unroll 16
    for (int c = 0; c < Q; ++c) {
      if (c <= Q / 2 || c < channels) store(planes + c * plane, z[c]);
    }
  }
  if (count == 0) return;
  load_pixels<Q, false>(x, pixel, channels, count, z);
  transpose_blocks<Q>(z);
#pragma GCC unroll 16
  for (int c = 0; c < Q; ++c) {
    if (c <= Q / 2 || c < channels) store_part(planes + c * plane, z[c], count);
  }
}

/// p[0, n) = the first n lanes of the block of Q lanes that begins at `first` of v.
template <int Q, int first>
__attribute__((always_inline)) static inline void store_block(float* p, Vec v, Index n) {
#if defined(__AVX512F__)
  // Narrow stores: a masked one is as slow as its whole width where that crosses a cache line.
  const auto mask = static_cast<__mmask8>((1u << n) - 1);
  if constexpr (Q == 8) {
    _mm256_mask_storeu_ps(p, mask, _mm512_extractf32x8_ps(v, first / 8));
    return;
  } else if constexpr (Q == 4) {
    _mm_mask_storeu_ps(p, mask, _mm512_extractf32x4_ps(v, first / 4));
    return;
  }
#endif
  store_lanes(p, v, first, n);
}

template <int Q, bool full, int... p>
__attribute__((always_inline)) static inline void store_pixels(float* x, Index pixel, Index channels,
                                                               Index count, const Vec* z,
                                                               std::integer_sequence<int, p...>) {
  ((full || p < count ? store_block<Q, p / Q * Q>(x + p * pixel, z[p % Q], channels) : void()), ...);
}

template <int Q>
[[gnu::noinline]] static void planes_to_pixels(const float* planes, Index plane, Index channels, Index count,
                                               float* x, Index pixel) {
  Vec z[Q];
  for (; count >= kLanes; count -= kLanes, x += kLanes * pixel, planes += kLanes) {
#pragma GCC unroll 16
    for (int c = 0; c < Q; ++c) z[c] = c <= Q / 2 || c < channels ? load(planes + c * plane) : Vec{};
    transpose_blocks<Q>(z);
    store_pixels<Q, true>(x, pixel, channels, count, z, LaneOrder{});
  }
  if (count == 0) return;
#pragma GCC unroll 16
  for (int c = 0; c < Q; ++c)
    z[c] = c <= Q / 2 || c < channels ? load_part(planes + c * plane, count) : Vec{};
  transpose_blocks<Q>(z);
  store_pixels<Q, false>(x, pixel, channels, count, z, LaneOrder{});
}

/// Calls f<Q>() with the smallest power of two Q that is at least `channels` <= kLanes.
template <class F>
static inline void with_slots(Index channels, const F& f) {
  if (channels == 1) {
    f(std::integral_constant<int, 1>{});
  } else if (channels == 2) {
    f(std::integral_constant<int, 2>{});
  } else if (channels <= 4) {
    f(std::integral_constant<int, 4>{});
  } else if constexpr (kLanes > 4) {
    if (channels <= 8) {
      f(std::integral_constant<int, 8>{});
    } else if constexpr (kLanes > 8) {
      f(std::integral_constant<int, 16>{});
    }
  }
}

/// planes[c*plane + p / kLanes * next + p % kLanes] = x[p*pixel + c] for `count` pixels; nothing else is
/// written.
static inline void to_planes(const float* x, Index pixel, Index channels, Index count, float* planes,
                             Index plane, Index next = kLanes) {
  if (channels == 1 && pixel == 1 && next == kLanes) return copy_floats(count, x, planes);
  for (Index c = 0; c < channels; c += kLanes) {
    const Index some = smaller(kLanes, channels - c);
    with_slots(some, [&](auto slots) {
      pixels_to_planes<decltype(slots)::value>(x + c, pixel, some, count, planes + c * plane, plane, next);
    });
  }
}

/// x[p*pixel + c] = planes[c*plane + p] for `count` pixels; nothing else is written.
static inline void to_pixels(const float* planes, Index plane, Index channels, Index count, float* x,
                             Index pixel) {
  if (channels == 1 && pixel == 1) return copy_floats(count, planes, x);
  for (Index c = 0; c < channels; c += kLanes) {
    const Index some = smaller(kLanes, channels - c);
    with_slots(some, [&](auto slots) {
      planes_to_pixels<decltype(slots)::value>(planes + c * plane, plane, some, count, x + c, pixel);
    });
  }
}

}  // namespace firn::FIRN_ISA_SPACE
