// How images and weights lie in memory for a matrix unit.
#pragma once

#include "engine/kernels/matrix.h"
#include "engine/kernels/simd/halves.h"

namespace firn::FIRN_ISA_SPACE {

constexpr Index divided_up(Index a, Index b) {
  return (a + b - 1) / b;
}
constexpr Index rounded_up(Index a, Index to) {
  return divided_up(a, to) * to;
}

/// Floats that hold `count` bf16, whole cache lines.
constexpr Index floats_of(Index count) {
  return rounded_up(count, 32) / 2;
}

/// An image with its padding, taken apart by the stride: phase (p,q) has the pixels (i*stride_h + p,
/// j*stride_w + q), as far as the kernel reaches them. So what an output reads lies the same distance behind
/// its place in the grid of rows x columns, whatever the stride.
struct Phases {
  Index rows, columns;  ///< of a phase
  Index high, wide;     ///< phases
  Index pixels;         ///< of the grid from the first to the last output

  constexpr explicit Phases(const ConvGeometry& g)
      : rows(divided_up(larger(g.h + g.pad_h, (g.oh - 1) * g.stride_h + g.kh), g.stride_h)),
        columns(divided_up(larger(g.w + g.pad_w, (g.ow - 1) * g.stride_w + g.kw), g.stride_w)),
        high(smaller(g.stride_h, g.kh)),
        wide(smaller(g.stride_w, g.kw)),
        pixels((g.oh - 1) * columns + g.ow) {}
  constexpr Index grid() const { return rows * columns; }
  constexpr Index count() const { return high * wide; }
};

inline constexpr Index kMostSegments = 64;

/// The bits of the first n <= kLanes numbers as bf16; the other lanes are zero.
static inline VecBits bits_of(const float* p, Index n) {
  return nearest(load_part(p, n));
}
static inline VecBits bits_of(const Bf16* p, Index n) {
  return widen_halves(load_halves(p, n));
}

/// Lane i: element i of `first` below element i of `second`, i < n; a null pointer stands for zeros.
template <class T>
static inline VecBits interleaved(const T* first, const T* second, Index n) {
  VecBits pairs{};
  if (first != nullptr) pairs = bits_of(first, n);
  if (second != nullptr) pairs |= bits_of(second, n) << 16;
  return pairs;
}

/// A row of pairs of a tile of B: `columns` of the 16 columns, zeros behind them.
template <class T>
static inline void interleave_row(const T* first, const T* second, Index columns, Bf16* to) {
  for (Index o = 0; o < kUnitRows; o += kLanes) {
    const Index n = columns - o;
    VecBits pairs{};
    if (n > 0) {
      pairs = interleaved(first != nullptr ? first + o : first, second != nullptr ? second + o : second,
                          smaller(n, kLanes));
    }
    *reinterpret_cast<VecBitsUnaligned*>(to + 2 * o) = pairs;
  }
}

static inline void zero_halves(Index count, Bf16* to) {
  Index i = 0;
  for (; i + kLanes <= count; i += kLanes) store_halves(to + i, Halves{});
  if (i < count) store_halves(to + i, Halves{}, count - i);
}

}  // namespace firn::FIRN_ISA_SPACE
