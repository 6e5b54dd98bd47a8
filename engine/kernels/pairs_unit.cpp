// AVX512-BF16: the instruction that multiplies two pairs of numbers in each lane, as a matrix unit. These
// functions alone are compiled for it, each by its own attribute.
#include "engine/base/cpu.h"
#include "engine/kernels/matrix_unit.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace firn {

#if defined(__x86_64__)

namespace {

#define FIRN_PAIRS __attribute__((target("avx512f,avx512bf16")))

constexpr Index kPairs = kUnitDepth / 2;  // of a step
constexpr int kPieceRows = 8;             // with two columns of vectors 16 sums: enough for the latency

FIRN_PAIRS inline __m512bh pairs_at(const Bf16* p) {
  return reinterpret_cast<__m512bh>(_mm512_loadu_si512(p));
}

/// One pair in every lane.
FIRN_PAIRS inline __m512bh pair_at(const Bf16* p) {
  std::int32_t pair = 0;
  __builtin_memcpy(&pair, p, sizeof pair);
  return reinterpret_cast<__m512bh>(_mm512_set1_epi32(pair));
}

/// kPieceRows rows of a block, from row m on, and all of its columns; the sums stay in registers.
template <int columns>
FIRN_PAIRS void multiply_rows(const UnitBlock& t, Index m) {
  __m512 sum[kPieceRows][columns];
  float* const c = t.c + m * t.ldc;
#pragma GCC unroll 8
  for (int r = 0; r < kPieceRows; ++r) {
#pragma GCC unroll 2
    for (int n = 0; n < columns; ++n)
      sum[r][n] = t.accumulate ? _mm512_loadu_ps(c + r * t.ldc + n * kUnitRows) : _mm512_setzero_ps();
  }
  const Bf16* b = t.b;
  for (const UnitSegment* s = t.segments; s != t.segments + t.segment_count; ++s) {
    const Bf16* a = t.a + m * t.lda + s->offset;
    for (Index k = s->steps; k > 0; --k, b += columns * kUnitTile) {
      for (Index pair = 0; pair < kPairs; ++pair, a += 2) {
        __m512bh y[columns];
#pragma GCC unroll 2
        for (int n = 0; n < columns; ++n) y[n] = pairs_at(b + n * kUnitTile + pair * 2 * kUnitRows);
#pragma GCC unroll 8
        for (int r = 0; r < kPieceRows; ++r) {
          const __m512bh x = pair_at(a + r * t.lda);
#pragma GCC unroll 2
          for (int n = 0; n < columns; ++n) sum[r][n] = _mm512_dpbf16_ps(sum[r][n], x, y[n]);
        }
      }
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < kPieceRows; ++r) {
#pragma GCC unroll 2
    for (int n = 0; n < columns; ++n) _mm512_storeu_ps(c + r * t.ldc + n * kUnitRows, sum[r][n]);
  }
}

void multiply(const UnitBlock& t) {
  const Index rows = t.rows > 0 ? t.rows : t.row_tiles * kUnitRows;
  for (Index m = 0; m < rows; m += kPieceRows)
    t.column_tiles > 1 ? multiply_rows<2>(t, m) : multiply_rows<1>(t, m);
}

void nothing() {}

constexpr Index kPeakSteps = 4;

void peak(Index rounds) {
  alignas(64) static constexpr Bf16 kZeros[2 * kUnitTile] = {};
  alignas(64) float c[kUnitBlock * kUnitBlock] = {};
  const UnitSegment segment{0, 1};
  UnitBlock t;
  t.row_tiles = t.column_tiles = 2;
  t.a = t.b = kZeros;
  t.segments = &segment;
  t.segment_count = 1;
  t.c = c;
  t.ldc = kUnitBlock;
  for (Index r = 0; r < rounds; ++r) multiply(t);
}

constexpr MatrixUnit kPairsUnit{"AVX512-BF16", true, nothing, nothing, multiply, kPeakSteps, peak};

#undef FIRN_PAIRS

}  // namespace

const MatrixUnit* pairs_unit() {
  static const bool available = has_bf16_pairs();
  return available ? &kPairsUnit : nullptr;
}

#else

const MatrixUnit* pairs_unit() {
  return nullptr;
}

#endif

}  // namespace firn
