// Philox4x32-10 for many counters at once; the same words as engine/base/rng.h.
#pragma once

#include <utility>

#include "engine/kernels/simd/vec.h"

namespace firn::FIRN_ISA_SPACE {

typedef std::uint32_t VecWord __attribute__((vector_size(FIRN_LANES * 4)));
typedef std::uint64_t VecLong __attribute__((vector_size(FIRN_LANES * 4)));

/// Counters that one call works on, one in each 64-bit lane.
inline constexpr Index kCounters = kLanes / 2;

/// The product of the low 32 bits of each lane with `factor`.
static inline VecLong multiply_words(VecLong x, std::uint32_t factor) {
#if defined(__AVX512F__)
  return (VecLong)_mm512_maskz_mul_epu32(0xff, (__m512i)x, _mm512_set1_epi64(factor));
#elif defined(__AVX2__)
  return (VecLong)_mm256_mul_epu32((__m256i)x, _mm256_set1_epi64x(factor));
#else
  return (x & 0xffffffffu) * std::uint64_t{factor};
#endif
}

template <int... i>
static inline VecLong interleave(VecLong a, VecLong b, int offset, std::integer_sequence<int, i...>) {
  return offset == 0
             ? __builtin_shufflevector(a, b, (i / 2 + i % 2 * int{kCounters})...)
             : __builtin_shufflevector(a, b, (int{kCounters / 2} + i / 2 + i % 2 * int{kCounters})...);
}

struct PhiloxKey {
  std::uint32_t low, high;
};

/// The 4 * kCounters words of the counters first, first + 1, ... in their order.
static inline void philox_words(std::uint64_t first, std::uint64_t step, PhiloxKey key, VecWord (&words)[2]) {
  // Only the low half of a lane counts; what the products leave in the high half is never used.
  VecLong c0{};
  for (Index i = 0; i < kCounters; ++i) c0[i] = first + static_cast<std::uint64_t>(i);
  VecLong c1 = c0 >> 32;
  VecLong c2 = VecLong{} + (step & 0xffffffffu);
  VecLong c3 = VecLong{} + (step >> 32);
  for (int round = 0; round < 10; ++round) {
    const VecLong a = multiply_words(c0, 0xD2511F53u);
    const VecLong b = multiply_words(c2, 0xCD9E8D57u);
    c0 = (b >> 32) ^ c1 ^ std::uint64_t{key.low};
    c1 = b;
    c2 = (a >> 32) ^ c3 ^ std::uint64_t{key.high};
    c3 = a;
    key.low += 0x9E3779B9u;
    key.high += 0xBB67AE85u;
  }
  const VecLong front = (c0 & 0xffffffffu) | (c1 << 32);
  const VecLong back = (c2 & 0xffffffffu) | (c3 << 32);
  constexpr std::make_integer_sequence<int, int{kCounters}> order;
  words[0] = (VecWord)interleave(front, back, 0, order);
  words[1] = (VecWord)interleave(front, back, 1, order);
}

}  // namespace firn::FIRN_ISA_SPACE
