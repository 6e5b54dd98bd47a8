// The vector type of the instruction set that this translation unit is compiled for.
//
// The files in this folder are compiled once for each set, with FIRN_ISA_SPACE (the namespace: generic,
// neon, avx2, avx512) and FIRN_LANES (floats in a register: 4, 8, 16) defined. They must not use inline
// functions of the standard library or of other firn headers: the linker may keep the copy compiled
// for the widest set, and an older processor would run it. Everything here is in the set's own namespace.
#pragma once

#if defined(__AVX2__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

#include "engine/base/real.h"

namespace firn::FIRN_ISA_SPACE {

inline constexpr Index kLanes = FIRN_LANES;

constexpr Index smaller(Index a, Index b) {
  return a < b ? a : b;
}
constexpr Index larger(Index a, Index b) {
  return a > b ? a : b;
}

typedef float Vec __attribute__((vector_size(FIRN_LANES * 4)));
typedef std::int32_t VecInt __attribute__((vector_size(FIRN_LANES * 4)));
typedef float VecUnaligned __attribute__((vector_size(FIRN_LANES * 4), aligned(4)));
typedef std::int32_t VecIntUnaligned __attribute__((vector_size(FIRN_LANES * 4), aligned(4)));

static inline Vec load(const float* p) {
  return *reinterpret_cast<const VecUnaligned*>(p);
}
static inline void store(float* p, Vec v) {
  *reinterpret_cast<VecUnaligned*>(p) = v;
}
static inline VecInt load_int(const std::int32_t* p) {
  return *reinterpret_cast<const VecIntUnaligned*>(p);
}
static inline Vec broadcast(float x) {
  return x - Vec{};
}  // folds away, unlike the sum

/// The first n <= kLanes elements; the others are zero. What lies behind is neither read nor written.
#if defined(__AVX512F__)
static inline Vec load_part(const float* p, Index n) {
  return _mm512_maskz_loadu_ps(static_cast<__mmask16>((1u << n) - 1), p);
}
static inline void store_part(float* p, Vec v, Index n) {
  _mm512_mask_storeu_ps(p, static_cast<__mmask16>((1u << n) - 1), v);
}
#elif defined(__AVX2__)
static inline __m256i first_lanes(Index n) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(n)),
                            _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
static inline Vec load_part(const float* p, Index n) {
  return _mm256_maskload_ps(p, first_lanes(n));
}
static inline void store_part(float* p, Vec v, Index n) {
  _mm256_maskstore_ps(p, first_lanes(n), v);
}
#else
static inline Vec load_part(const float* p, Index n) {
  Vec v{};
  for (Index i = 0; i < n; ++i) v[i] = p[i];
  return v;
}
static inline void store_part(float* p, Vec v, Index n) {
  for (Index i = 0; i < n; ++i) p[i] = v[i];
}
#endif

static inline void copy_floats(Index count, const float* from, float* to) {
  Index i = 0;
  for (; i + kLanes <= count; i += kLanes) store(to + i, load(from + i));
  if (i < count) store_part(to + i, load_part(from + i, count - i), count - i);
}

static inline void zero_floats(Index count, float* to) {
  Index i = 0;
  for (; i + kLanes <= count; i += kLanes) store(to + i, Vec{});
  if (i < count) store_part(to + i, Vec{}, count - i);
}

/// a > b ? a : b and a < b ? a : b, so that of a NaN and a number the second is taken.
#if defined(__AVX512F__)
static inline Vec max(Vec a, Vec b) {
  return _mm512_maskz_max_ps(0xffff, a, b);
}
static inline Vec min(Vec a, Vec b) {
  return _mm512_maskz_min_ps(0xffff, a, b);
}
#elif defined(__AVX2__)
static inline Vec max(Vec a, Vec b) {
  return _mm256_max_ps(a, b);
}
static inline Vec min(Vec a, Vec b) {
  return _mm256_min_ps(a, b);
}
#else
static inline Vec max(Vec a, Vec b) {
  return a > b ? a : b;
}
static inline Vec min(Vec a, Vec b) {
  return a < b ? a : b;
}
#endif

/// Sum of the lanes, by halves.
static inline float sum_lanes(Vec v) {
  float lane[kLanes];
  store(lane, v);
  for (Index width = kLanes / 2; width > 0; width /= 2) {
    for (Index i = 0; i < width; ++i) lane[i] += lane[i + width];
  }
  return lane[0];
}

}  // namespace firn::FIRN_ISA_SPACE
