// Vectors of bf16, and their lanes as floats.
#pragma once

#include "engine/kernels/matrix_unit.h"
#include "engine/kernels/simd/vec.h"

namespace firn::FIRN_ISA_SPACE {

typedef std::uint32_t VecBits __attribute__((vector_size(FIRN_LANES * 4)));
typedef std::uint32_t VecBitsUnaligned __attribute__((vector_size(FIRN_LANES * 4), aligned(4)));
typedef std::uint16_t Halves __attribute__((vector_size(FIRN_LANES * 2)));
typedef std::uint16_t HalvesUnaligned __attribute__((vector_size(FIRN_LANES * 2), aligned(2)));

// GCC 12 takes __builtin_convertvector apart lane by lane.
#if defined(__AVX512F__)
static inline VecBits widen_halves(Halves x) {
  return VecBits(_mm512_maskz_cvtepu16_epi32(0xffff, __m256i(x)));
}
static inline Halves low_halves(VecBits x) {
  return Halves(_mm512_maskz_cvtepi32_epi16(0xffff, __m512i(x)));
}
#elif defined(__AVX2__)
static inline VecBits widen_halves(Halves x) {
  return VecBits(_mm256_cvtepu16_epi32(__m128i(x)));
}
static inline Halves low_halves(VecBits x) {
  const __m256i all = __m256i(x);
  return Halves(_mm_packus_epi32(_mm256_castsi256_si128(all), _mm256_extracti128_si256(all, 1)));
}
#else
static inline VecBits widen_halves(Halves x) {
  return __builtin_convertvector(x, VecBits);
}
static inline Halves low_halves(VecBits x) {
  return __builtin_convertvector(x, Halves);
}
#endif

static inline Halves load_halves(const Bf16* p) {
  return *reinterpret_cast<const HalvesUnaligned*>(p);
}
static inline void store_halves(Bf16* p, Halves x) {
  *reinterpret_cast<HalvesUnaligned*>(p) = x;
}

/// The first n <= kLanes elements; the others are zero. What lies behind is neither read nor written.
#if defined(__AVX512F__)
static inline Halves load_halves(const Bf16* p, Index n) {
  return Halves(_mm256_maskz_loadu_epi16(static_cast<__mmask16>((1u << n) - 1), p));
}
static inline void store_halves(Bf16* p, Halves x, Index n) {
  _mm256_mask_storeu_epi16(p, static_cast<__mmask16>((1u << n) - 1), __m256i(x));
}
#else
static inline Halves load_halves(const Bf16* p, Index n) {
  if (n == kLanes) return load_halves(p);
  Halves x{};
  for (Index i = 0; i < n; ++i) x[i] = p[i];
  return x;
}
static inline void store_halves(Bf16* p, Halves x, Index n) {
  if (n == kLanes) return store_halves(p, x);
  for (Index i = 0; i < n; ++i) p[i] = x[i];
}
#endif

/// The bf16 nearest to each lane, in the lane's lower half.
static inline VecBits nearest(Vec x) {
  const VecBits bits = __builtin_bit_cast(VecBits, x);
  const VecBits rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
  const VecBits nan = (bits >> 16) | 0x40u;
  return x == x ? rounded : nan;
}

/// The float that each lane's lower half is.
static inline Vec widened(VecBits x) {
  return __builtin_bit_cast(Vec, x << 16);
}

}  // namespace firn::FIRN_ISA_SPACE
