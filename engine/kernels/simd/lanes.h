// Some lanes of a vector.
#pragma once

#include "engine/kernels/simd/vec.h"

namespace firn::FIRN_ISA_SPACE {

/// Puts p[0, n) into the lanes [first, first + n) of v; nothing else is read.
static inline Vec load_lanes(Vec v, const float* p, Index first, Index n) {
#if defined(__AVX512F__)
  return _mm512_mask_loadu_ps(v, static_cast<__mmask16>(((1u << n) - 1) << first), p - first);
#elif defined(__AVX2__)
  const __m256i lanes = _mm256_andnot_si256(first_lanes(first), first_lanes(first + n));
  return _mm256_blendv_ps(v, _mm256_maskload_ps(p - first, lanes), _mm256_castsi256_ps(lanes));
#else
  for (Index i = 0; i < n; ++i) v[first + i] = p[i];
  return v;
#endif
}

/// p[0, n) = the lanes [first, first + n) of v.
static inline void store_lanes(float* p, Vec v, Index first, Index n) {
#if defined(__AVX512F__)
  _mm512_mask_storeu_ps(p - first, static_cast<__mmask16>(((1u << n) - 1) << first), v);
#elif defined(__AVX2__)
  _mm256_maskstore_ps(p - first, _mm256_andnot_si256(first_lanes(first), first_lanes(first + n)), v);
#else
  for (Index i = 0; i < n; ++i) p[i] = v[first + i];
#endif
}

}  // namespace firn::FIRN_ISA_SPACE
