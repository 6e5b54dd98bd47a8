// Convolutions with few outputs. Vectors over outputs would be half empty; here the lanes are pixels of a
// row: an image is copied into planes of one channel, and what is computed lies in planes until it is whole.
#pragma once

#include "engine/kernels/simd/border.h"
#include "engine/kernels/simd/micro_kernel.h"

namespace firn::FIRN_ISA_SPACE {

/// A strip of an image in planes of one channel, with its border, and the pixels that are computed from it:
/// in rows of whole vectors, or (`flat`) as one row in which the columns between two rows of the output are
/// computed as well and left out later, where that makes fewer vectors.
struct PlanarForm {
  Index rows;  ///< of the output in a strip, at most
  bool flat;
  Index wide;                     ///< vectors of a row of the output
  Index x_begin, x_row, x_plane;  ///< where the first row begins in its plane; distances
  Index y_row, y_plane;

  /// Vectors that `some` rows of the output need, `ow` wide.
  constexpr Index vectors(Index some, Index ow) const {
    return flat ? ((some - 1) * x_row + ow + kLanes - 1) / kLanes : some * wide;
  }
};

constexpr Index to_lanes(Index count) {
  return (count + kLanes - 1) / kLanes * kLanes;
}

/// Rows of planes begin with a vector where that does not make them much longer.
constexpr Index plane_row(Index columns) {
  return 2 * to_lanes(columns) <= 3 * columns ? to_lanes(columns) : columns;
}

/// The first window begins at the column `left` of the bordered image; windows are `stride_h` rows apart.
constexpr PlanarForm planar_form(const Border& b, Index left, Index kh, Index kw, Index stride_h, Index rows,
                                 Index ow, bool may_be_flat) {
  PlanarForm f{};
  f.rows = rows;
  f.wide = (ow + kLanes - 1) / kLanes;
  f.x_row = b.columns;
  f.flat = true;
  f.flat = may_be_flat && stride_h == 1 && f.vectors(rows, ow) < rows * f.wide;
  if (!f.flat) f.x_row = plane_row(b.columns);
  f.x_begin = to_lanes(b.left) - b.left;  // the image's columns begin with a vector
  f.y_row = f.flat ? f.x_row : f.wide * kLanes;
  const Index computed =
      f.flat ? f.vectors(rows, ow) * kLanes : (rows - 1) * stride_h * f.x_row + f.wide * kLanes;
  const Index held = ((rows - 1) * stride_h + kh) * f.x_row,
              read = (kh - 1) * f.x_row + left + kw - 1 + computed;
  f.x_plane = (f.x_begin + larger(read, held) + 31) / 32 * 32 + 16;  // planes in different cache sets
  f.y_plane = (f.vectors(rows, ow) * kLanes + 31) / 32 * 32 + 16;
  return f;
}

/// y[image, i, j, o] = epilogue(sum x[image, top + i*stride_h + a, left + j + b, c] * weight[a,b,c,o]) with x
/// in its border; the sum runs over a, b, c as in the other kernels. Distances in elements; one group.
struct PlanarConv {
  Border border;
  Index top, left, kh, kw, out, stride_h;
  const float* packed;  ///< kh*kw*c rows and `out` columns
  Index y_pixel, y_row, y_image, oh, ow;

  /// In strips that stay in the first-level cache.
  constexpr PlanarForm form() const {
    constexpr Index kStrip = 6 * 1024, kFewest = 4;
    const Index held = kStrip / (border.c * plane_row(border.columns));
    const Index most = smaller(oh, larger(kFewest, held < kh ? 0 : (held - kh) / stride_h + 1));
    const Index strips = (oh + most - 1) / most;
    return planar_form(border, left, kh, kw, stride_h, (oh + strips - 1) / strips, ow, true);
  }
  constexpr Index scratch() const { return border.c * form().x_plane + out * form().y_plane; }
};

/// True where vectors over pixels need less work than vectors over outputs, the way into planes and back
/// counted: as products with one channel, fitted to measurements.
constexpr bool prefers_planes(const PlanarConv& p) {
  constexpr Index kIn = 6, kOut = 10;
  if (p.kh * p.kw < 4 || p.oh * p.ow * p.border.c * p.out == 0) return false;
  const PlanarForm f = p.form();
  const Index depth = p.kh * p.kw * p.border.c, pixels = f.rows * p.ow;
  const Index over_pixels = f.vectors(f.rows, p.ow) * kLanes * p.out * depth / 16 * 17;
  return pixels * to_lanes(p.out) * depth > over_pixels + pixels * (kIn * p.border.c + kOut * p.out);
}

void convolve_planes(const PlanarConv& p, Index n, const float* x, const Epilogue& epilogue, float* y,
                     float* scratch);

/// The weight gradient's form of the same: its lanes are pixels that it sums over.
constexpr PlanarForm gradient_form(const ConvGeometry& g) {
  return planar_form(input_border(g), 0, g.kh, g.kw, g.stride_h, g.oh, g.ow, false);
}

/// True where vectors over pixels serve the weight gradient better than tiles of kw*c rows by vectors over
/// outputs; the same for whatever part of the outputs is wanted.
constexpr bool dw_prefers_planes(const ConvGeometry& g) {
  if (g.groups != 1 || g.stride_w != 1 || g.kh * g.kw < 4 || g.oh * g.ow * g.c * g.oc == 0) return false;
  constexpr Index kMostSums = 64 * 1024, kBusy = 8;  // sums that keep the multipliers busy
  const Index vectors = (g.oc + kLanes - 1) / kLanes;
  if (g.kh * g.kw * g.c * g.oc * kLanes > kMostSums) return false;
  const Index sums = smaller(kBusy, g.kw * g.c * smaller(vectors, kPanelVectors));
  return 3 * g.ow * g.oh * vectors * kLanes * kBusy > 4 * g.oh * to_lanes(g.ow) * g.oc * sums;
}

constexpr Index planar_dw_scratch(const ConvGeometry& g) {
  const PlanarForm f = gradient_form(g);
  const Index out = trainable_outputs(g);
  return g.c * f.x_plane + g.oh * f.y_row * out + (g.kh * g.kw * g.c * out + kLanes) * kLanes;
}

/// Rows [first, last) of dweight, seen as (kh*kw*c, outputs that are wanted).
void planar_dw(const ConvGeometry& g, Index n, const float* x, const float* dy, float* dweight,
               bool accumulate, Index first, Index last, float* scratch);

}  // namespace firn::FIRN_ISA_SPACE
