// The weight gradient of few outputs, with its lanes along x's windows: each vector of a window times single
// elements of dy. The sums are those of the tiles whose lanes are outputs, in the same order.
#pragma once

#include "engine/kernels/simd/outer_product.h"

namespace firn::FIRN_ISA_SPACE {

/// sums[v][o] (+)= sum over images, rows and pixels of the vector x[v] and dy's element o. x moves by `step`
/// a pixel, by `row` and `image`; dy by `dy_pixel` a pixel, through all rows and images. Vector v's sum for o
/// is at sums + v*sums_vector + o*kLanes.
struct WindowTile {
  const float* x[kMostRows];
  Index step, row, image;
  const float* dy;
  Index dy_pixel;
  Index pixels, rows, images;
  float* sums;
  Index sums_vector;
  bool accumulate;
};

/// Runs a tile of 1 <= outputs <= kMostColumns and 1 <= vectors <= kMost[outputs - 1].
void sum_windows(Index outputs, Index vectors, const WindowTile& tile);

}  // namespace firn::FIRN_ISA_SPACE
