// exp, log1p, tanh, sigmoid, silu and the normal distribution on vectors, within 8 ulp on the whole range;
// infinities, NaN and denormal numbers are right. Polynomials are Chebyshev interpolants of what is left
// after the usual range reductions (Muller 2016, "Elementary functions", chapter 11).
#pragma once

#include "engine/kernels/simd/vec.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace firn::FIRN_ISA_SPACE {

static inline Vec absolute(Vec x) {
  return __builtin_bit_cast(Vec, __builtin_bit_cast(VecInt, x) & 0x7fffffff);
}
static inline Vec with_sign_of(Vec magnitude, Vec x) {
  return __builtin_bit_cast(Vec, __builtin_bit_cast(VecInt, magnitude) |
                                     (__builtin_bit_cast(VecInt, x) & static_cast<std::int32_t>(0x80000000)));
}

static inline Vec square_root(Vec x) {
#if defined(__AVX512F__)
  return _mm512_maskz_sqrt_ps(0xffff, x);  // the plain one makes GCC 12 warn of its own header
#elif defined(__AVX2__)
  return _mm256_sqrt_ps(x);
#elif defined(__SSE2__)
  return _mm_sqrt_ps(x);
#elif defined(__aarch64__)
  return vsqrtq_f32(x);
#else
  for (Index i = 0; i < kLanes; ++i) x[i] = __builtin_sqrtf(x[i]);
  return x;
#endif
}

/// p * 2^n for whole n in [-160, 130], rounded once.
static inline Vec scale_by_power(Vec p, Vec n_shifted, Vec n) {
#if defined(__AVX512F__)
  static_cast<void>(n_shifted);
  return _mm512_maskz_scalef_ps(0xffff, p, n);
#else
  // In two factors: 2^n itself may be too large or too small for a float.
  static_cast<void>(n);
  const VecInt whole = __builtin_bit_cast(VecInt, n_shifted) - 0x4b400000;
  const VecInt half = whole >> 1;
  const Vec first = __builtin_bit_cast(Vec, (half + 127) << 23);
  const Vec second = __builtin_bit_cast(Vec, (whole - half + 127) << 23);
  return p * first * second;
#endif
}

/// 2^n * (1 + q) = exp of something; q in [-0.30, 0.42].
struct Exponential {
  Vec q, n, n_shifted;
};

/// The whole number n nearest to x / ln 2, and the rest r = x - n * ln 2.
static inline Exponential reduce(Vec x, Vec& r) {
  constexpr float kShift = 12582912;  // 1.5 * 2^23: adding it rounds to a whole number
  Exponential e;
  e.n_shifted = x * 1.44269504f + kShift;
  e.n = e.n_shifted - kShift;
  // ln 2 in two parts, n times the first of which is exact.
  r = (x - e.n * 0.693359375f) - e.n * -2.12194440e-4f;
  return e;
}

/// exp(r) - 1 for |r| <= ln(2) / 2.
static inline Vec small_exp_minus_1(Vec r) {
  Vec p = r * 0.00139262508315f + 0.00836323288368f;
  p = p * r + 0.041666554213f;
  p = p * r + 0.166665766661f;
  p = p * r + 0.5f;
  return p * (r * r) + r;
}

/// exp(x) for x in [-110, 90].
static inline Exponential exponential(Vec x) {
  Vec r;
  Exponential e = reduce(x, r);
  e.q = small_exp_minus_1(r);
  return e;
}

/// exp(high + low), where |low| is much smaller than |high|.
static inline Exponential exponential(Vec high, Vec low) {
  Vec r;
  Exponential e = reduce(high, r);
  e.q = small_exp_minus_1(r + low);
  return e;
}

/// exp(x) for x <= 90.
static inline Vec exp(Vec x) {
  const Exponential e = exponential(max(broadcast(-110), x));
  return scale_by_power(1 + e.q, e.n_shifted, e.n);
}

/// With exp(-|x|), that neither overflows nor loses the small values of negative x.
static inline Vec sigmoid(Vec x) {
  const Vec e = exp(-absolute(x));
  return (x < Vec{} ? e : broadcast(1)) / (1 + e);
}

/// (exp(2|x|) - 1) / (exp(2|x|) + 1), with the difference computed as such.
static inline Vec tanh(Vec x) {
  const Exponential e = exponential(2 * min(broadcast(10), absolute(x)));
  const Vec power =
      __builtin_bit_cast(Vec, (__builtin_bit_cast(VecInt, e.n_shifted) - (0x4b400000 - 127)) << 23);
  const Vec difference = power * e.q + (power - 1);
  return with_sign_of(difference / (difference + 2), x);
}

/// x * sigmoid(x); for negative x as x * exp(x) / (1 + exp(x)), x times the power before the power is
/// denormal.
static inline Vec silu(Vec x) {
  const Vec a = max(broadcast(-110), -absolute(x));
  const Exponential r = exponential(a);
  const Vec e = scale_by_power(1 + r.q, r.n_shifted, r.n);
  const Vec scaled = scale_by_power(a + a * r.q, r.n_shifted, r.n);
  return (x < Vec{} ? scaled : x) / (1 + e);
}

/// log(1 + e) for e in [0, 1], as 2 atanh(e / (2 + e)).
static inline Vec log1p_unit(Vec e) {
  const Vec t = e / (2 + e);
  const Vec u = t * t;
  Vec p = u * 0.23224329224f + 0.217065758009f;
  p = p * u + 0.285923579943f;
  p = p * u + 0.399997063319f;
  p = p * u + 0.666666673205f;
  return p * (u * t) + 2 * t;
}

/// The normal distribution and its density.
struct Normal {
  Vec density;     ///< exp(-x^2/2) / sqrt(2 pi)
  Vec tail;        ///< Phi(-|x|), with its own relative precision
  Vec cumulative;  ///< Phi(x)
};

static inline Normal normal(Vec x) {
  // Beyond 15 the tail is 0 in float.
  const Vec a = min(broadcast(15), absolute(x));
  // a^2 must be exact: high has 12 bits.
  const Vec high =
      __builtin_bit_cast(Vec, __builtin_bit_cast(VecInt, a) & static_cast<std::int32_t>(0xfffff000));
  const Exponential e =
      exponential(max(broadcast(-110), high * high * -0.5f), (a - high) * (a + high) * -0.5f);
  const Vec gauss = scale_by_power(1 + e.q, e.n_shifted, e.n);
  // Mills' ratio times (1 + a) is nearly constant; after Shepherd and Laframboise 1981.
  const Vec s = (a - 3) / (a + 3);
  Vec p = s * -6.86320420769e-5f - 0.000451612567347f;
  p = p * s - 0.000256278241827f;
  p = p * s + 0.00300185999483f;
  p = p * s + 0.00112516951391f;
  p = p * s - 0.0227322331113f;
  p = p * s + 0.0451687382757f;
  p = p * s - 0.0164317544605f;
  p = p * s - 0.0965269421342f;
  p = p * s + 0.486055786406f;
  Normal result;
  result.density = gauss * 0.398942280f;
  result.tail = gauss * (p / (1 + a));
  result.cumulative = x < Vec{} ? result.tail : 1 - result.tail;
  return result;
}

}  // namespace firn::FIRN_ISA_SPACE
