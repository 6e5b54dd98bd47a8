// The matrix units as plain loops: the truth of their orders of sums, and their stand-ins.
#include <bit>
#include <cfloat>
#include <cmath>

#include "engine/base/cpu.h"
#include "engine/kernels/matrix_unit.h"

namespace firn {

namespace {

float flushed(float x) {
  return x > -FLT_MIN && x < FLT_MIN ? x * 0 : x;
}

float value_of(Bf16 x) {
  return flushed(std::bit_cast<float>(static_cast<std::uint32_t>(x) << 16));
}

/// One step: 16 x 16 sums of 32 products.
void step(const Bf16* a, Index lda, const Bf16* b, float* c, Index ldc) {
  for (Index m = 0; m < kUnitRows; ++m) {
    for (Index n = 0; n < kUnitRows; ++n) {
      float even = 0, odd = 0;
      for (Index pair = 0; pair < kUnitDepth / 2; ++pair) {
        const Bf16* x = a + m * lda + 2 * pair;
        const Bf16* y = b + 2 * (pair * kUnitRows + n);
        even = flushed(std::fma(value_of(x[0]), value_of(y[0]), even));
        odd = flushed(std::fma(value_of(x[1]), value_of(y[1]), odd));
      }
      c[m * ldc + n] = flushed(c[m * ldc + n] + flushed(even + odd));
    }
  }
}

/// The same, pair after pair.
void step_in_pairs(const Bf16* a, Index lda, const Bf16* b, float* c, Index ldc) {
  for (Index m = 0; m < kUnitRows; ++m) {
    for (Index n = 0; n < kUnitRows; ++n) {
      float sum = c[m * ldc + n];
      for (Index pair = 0; pair < kUnitDepth / 2; ++pair) {
        const Bf16* x = a + m * lda + 2 * pair;
        const Bf16* y = b + 2 * (pair * kUnitRows + n);
        for (const int k : {1, 0}) sum = flushed(std::fma(value_of(x[k]), value_of(y[k]), sum));
      }
      c[m * ldc + n] = sum;
    }
  }
}

using Step = void (*)(const Bf16* a, Index lda, const Bf16* b, float* c, Index ldc);

template <Step step>
void multiply(const UnitBlock& t) {
  if (!t.accumulate) {
    for (Index m = 0; m < t.row_tiles * kUnitRows; ++m) {
      for (Index n = 0; n < t.column_tiles * kUnitRows; ++n) t.c[m * t.ldc + n] = 0;
    }
  }
  const Bf16* b = t.b;
  for (Index s = 0; s < t.segment_count; ++s) {
    for (Index k = 0; k < t.segments[s].steps; ++k) {
      const Bf16* a = t.a + t.segments[s].offset + k * kUnitDepth;
      for (Index column = 0; column < t.column_tiles; ++column, b += kUnitTile) {
        for (Index row = 0; row < t.row_tiles; ++row) {
          step(a + row * kUnitRows * t.lda, t.lda, b, t.c + row * kUnitRows * t.ldc + column * kUnitRows,
               t.ldc);
        }
      }
    }
  }
}

void nothing() {}

template <Step step>
void peak(Index rounds) {
  alignas(64) static constexpr Bf16 kZeros[2 * kUnitTile] = {};
  float c[kUnitRows * kUnitRows] = {};
  for (Index r = 0; r < rounds; ++r) step(kZeros, kUnitDepth, kZeros + kUnitTile, c, kUnitRows);
}

constexpr MatrixUnit kPlain{"plain loops", false, nothing, nothing, multiply<step>, 1, peak<step>};
constexpr MatrixUnit kPlainPairs{"plain loops",      true, nothing, nothing, multiply<step_in_pairs>, 1,
                                 peak<step_in_pairs>};

}  // namespace

const MatrixUnit& plain_unit() {
  return kPlain;
}

const MatrixUnit& plain_pairs_unit() {
  return kPlainPairs;
}

const MatrixUnit& matrix_unit() {
  const MatrixUnit *const amx = amx_unit(), *const pairs = pairs_unit();
  const Bf16Products products = bf16_products();
  if (products == Bf16Products::in_pairs) return pairs != nullptr ? *pairs : kPlainPairs;
  if (amx != nullptr) return *amx;
  return products == Bf16Products::where_faster && pairs != nullptr ? *pairs : kPlain;
}

}  // namespace firn
