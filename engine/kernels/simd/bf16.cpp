#include "engine/kernels/bf16.h"

#include "engine/kernels/simd/vec.h"

namespace firn::FIRN_ISA_SPACE {

namespace {

typedef std::uint32_t VecBits __attribute__((vector_size(FIRN_LANES * 4)));
typedef std::uint16_t Halves __attribute__((vector_size(FIRN_LANES * 2)));
typedef std::uint16_t HalvesUnaligned __attribute__((vector_size(FIRN_LANES * 2), aligned(2)));

// GCC 12 takes __builtin_convertvector apart lane by lane.
#if defined(__AVX512F__)
VecBits widen_halves(Halves x) {
  return VecBits(_mm512_maskz_cvtepu16_epi32(0xffff, __m256i(x)));
}
Halves low_halves(VecBits x) {
  return Halves(_mm512_maskz_cvtepi32_epi16(0xffff, __m512i(x)));
}
#elif defined(__AVX2__)
VecBits widen_halves(Halves x) {
  return VecBits(_mm256_cvtepu16_epi32(__m128i(x)));
}
Halves low_halves(VecBits x) {
  const __m256i all = __m256i(x);
  return Halves(_mm_packus_epi32(_mm256_castsi256_si128(all), _mm256_extracti128_si256(all, 1)));
}
#else
VecBits widen_halves(Halves x) {
  return __builtin_convertvector(x, VecBits);
}
Halves low_halves(VecBits x) {
  return __builtin_convertvector(x, Halves);
}
#endif

/// The bf16 nearest to each lane, in the lane's lower half.
VecBits nearest(Vec x) {
  const VecBits bits = __builtin_bit_cast(VecBits, x);
  const VecBits rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
  const VecBits nan = (bits >> 16) | 0x40u;
  return x == x ? rounded : nan;
}

void narrow(Index count, const float* x, Bf16* y) {
  Index i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    *reinterpret_cast<HalvesUnaligned*>(y + i) = low_halves(nearest(load(x + i)));
  }
  if (i == count) return;
  const VecBits rest = nearest(load_part(x + i, count - i));
  for (Index k = 0; i + k < count; ++k) y[i + k] = static_cast<Bf16>(rest[k]);
}

void widen(Index count, const Bf16* x, float* y) {
  Index i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    store(y + i,
          __builtin_bit_cast(Vec, widen_halves(*reinterpret_cast<const HalvesUnaligned*>(x + i)) << 16));
  }
  for (; i < count; ++i) y[i] = __builtin_bit_cast(float, std::uint32_t{x[i]} << 16);
}

void round(Index count, const float* x, float* y) {
  Index i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    store(y + i, __builtin_bit_cast(Vec, nearest(load(x + i)) << 16));
  }
  if (i < count) {
    store_part(y + i, __builtin_bit_cast(Vec, nearest(load_part(x + i, count - i)) << 16), count - i);
  }
}

}  // namespace

extern const Bf16Kernels bf16;
const Bf16Kernels bf16{narrow, widen, round};

}  // namespace firn::FIRN_ISA_SPACE
