// A unit that multiplies matrices of bf16: the processor's (AMX), its products of pairs, or what stands in
// for them.
#pragma once

#include <string_view>

#include "engine/base/real.h"

namespace firn {

/// One number of 16 bits in memory: the upper half of a float.
using Bf16 = std::uint16_t;

inline constexpr Index kUnitRows = 16;   ///< of a tile of the result, and its columns
inline constexpr Index kUnitDepth = 32;  ///< products that one step adds to each of its elements
inline constexpr Index kUnitTile = 512;  ///< elements of a tile of A or B
inline constexpr Index kUnitBlock = 32;  ///< rows and columns of the largest block

/// Consecutive steps along a row of A.
struct UnitSegment {
  Index offset = 0;  ///< of the first, in elements behind the row's beginning
  Index steps = 0;   ///< of kUnitDepth elements
};

/// One block of a product: c[m,n] = (accumulate ? c[m,n] : 0) + sum over the steps, in their order. Of a unit
/// in tiles a step adds (e + o); e and o are the sums of the step's products of even and of odd depth, each
/// from zero in ascending order and rounded to a float at each sum, as AMX's tdpbf16ps does it. Of a unit in
/// pairs each pair of depths, ascending, makes c the float of (even product + the float of (odd product +
/// c)), as AVX512-BF16's vdpbf16ps does it. Subnormal numbers count as zero, operands and sums alike.
struct UnitBlock {
  Index row_tiles = 1, column_tiles = 1;  ///< 1 or 2 each
  Index rows = 0;           ///< that are wanted: what lies behind them may be left as it is; 0: all
  const Bf16* a = nullptr;  ///< row m begins at a + m * lda
  Index lda = 0;
  const UnitSegment* segments = nullptr;
  Index segment_count = 0;
  /// For each step `column_tiles` tiles: [pair of depths][column][2].
  const Bf16* b = nullptr;
  float* c = nullptr;  ///< row m begins at c + m * ldc
  Index ldc = 0;
  bool accumulate = false;
};

/// All of a tile may be read and written, 16 rows and columns of it. `multiply` only between `begin` and
/// `end`, on one thread, which calls nobody else's code meanwhile: the processor keeps tiles as a state of
/// the thread.
struct MatrixUnit {
  std::string_view name;
  bool in_pairs;  ///< the order of sums
  void (*begin)();
  void (*end)();
  void (*multiply)(const UnitBlock& block);
  /// `rounds` times `steps` steps on tiles that stay where they are, between `begin` and `end`.
  Index steps;
  void (*peak)(Index rounds);
};

/// AMX where processor, operating system and build have it, else null. Asks the system for its use at the
/// first call.
const MatrixUnit* amx_unit();
/// AVX512-BF16's products of pairs where processor and build have them, else null.
const MatrixUnit* pairs_unit();
/// The two orders of sums with plain loops.
const MatrixUnit& plain_unit();
const MatrixUnit& plain_pairs_unit();
/// That of the products in force (`bf16_products`): in tiles or in pairs where these are pinned, else AMX,
/// else pairs, each by plain loops where the processor has none; else in tiles by plain loops.
const MatrixUnit& matrix_unit();

}  // namespace firn
