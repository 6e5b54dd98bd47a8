// The rates by which `select` weighs ways to compute an operation: all of them, and nowhere else.
//
// Which way is taken decides the last bits of a result, and these are the same in every run, on any number of
// threads and for all ranks of an instruction set. So rates are rules, fitted once to measurements
// (bench/README.md, bench/winograd.md), and not prices of this machine. What no rule gives within a power of
// two is measured where the program runs, and taken to that: how fast a matrix unit is
// (engine/kernels/bf16_rate.h); ranks of one run take that of rank 0.
#pragma once

#include "engine/base/cpu.h"
#include "engine/base/real.h"

namespace firn::rates {

/// The plainest way; others are multiples of it.
inline constexpr double kPlain = 1;
/// A way that somebody asked for: less than what any takes.
inline constexpr double kAskedFor = 0;

/// Copies of a weight that sums by parts of the batch make: a training batch is usually cut into so many.
inline constexpr Index kUsualParts = 8;
/// Fewer weights stay in the first-level cache from slice to slice, and need no product by columns.
inline constexpr Index kWorthColumns = 4096;

/// What Winograd's tiles must win for the trouble, and to be sure of it on other processors too.
inline constexpr double kWinogradWorthwhile = 1.2;
/// With fewer channels their products are too shallow for what is counted here.
inline constexpr Index kWinogradChannels = 8;
/// The transform of one channel pair's filter, in multiply-adds of the direct kernel.
inline constexpr double kWinogradFilter = 750;
/// The transforms of the inputs and outputs of a tile of m x m, in products with one channel.
constexpr double winograd_transforms(Isa isa, Index m) {
  switch (isa) {
    case Isa::avx512:
      return m == 2 ? 10 : 12;
    case Isa::avx2:
      return m == 2 ? 6 : 8;
    default:
      return m == 2 ? 3.4 : 5.2;
  }
}

/// Around products by a matrix unit, in multiply-adds of fp32 kernels: to round, move or transpose an
/// element, or to finish one of the result.
inline constexpr double kMatrixElement = 20;
/// Tiles whose rows cross the lines of the cache take so much longer to load.
inline constexpr double kHalfLines = 1.5, kOddLines = 2.5;

}  // namespace firn::rates
