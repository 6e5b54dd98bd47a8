// Convolutions with few outputs. Vectors over outputs would be half empty; here the lanes are pixels of a
// row: an image is copied into planes of one channel, and what is computed lies in planes until it is whole.
#pragma once

#include "engine/kernels/simd/border.h"
#include "engine/kernels/simd/micro_kernel.h"

namespace firn::FIRN_ISA_SPACE {

/// Images in planes of one channel, each with its border, and the pixels that are computed from them: in rows
/// of whole vectors, or (`flat`) as one row in which the columns between two rows of the output are computed
/// as well and left out later, where that makes fewer vectors.
struct PlanarForm {
  bool flat;
  Index vectors;         ///< of one output
  Index x_row, x_plane;  ///< distances of the planes that are read
  Index y_row, y_plane;
};

/// `top` and `left`: where the first window begins in the bordered image. Windows are `stride_h` rows apart.
constexpr PlanarForm planar_form(const Border& b, Index top, Index left, Index kh, Index kw, Index stride_h,
                                 Index oh, Index ow, bool may_be_flat) {
  const Index wide = (ow + kLanes - 1) / kLanes,
              flat_vectors = ((oh - 1) * b.columns + ow + kLanes - 1) / kLanes;
  PlanarForm f{};
  f.flat = may_be_flat && stride_h == 1 && flat_vectors < oh * wide;
  f.vectors = f.flat ? flat_vectors : oh * wide;
  f.x_row = b.columns;
  f.y_row = f.flat ? b.columns : wide * kLanes;
  const Index last = f.flat ? f.vectors * kLanes : (oh - 1) * stride_h * f.x_row + wide * kLanes;
  const Index read = (top + kh - 1) * f.x_row + left + kw - 1 + last;
  f.x_plane = (larger(read, b.rows * b.columns) + 31) / 32 * 32 + 16;  // planes in different cache sets
  f.y_plane = (f.vectors * kLanes + 31) / 32 * 32 + 16;
  return f;
}

/// y[image, i, j, o] = epilogue(sum x[image, top + i*stride_h + a, left + j + b, c] * weight[a,b,c,o]) with x
/// in its border; the sum runs over a, b, c as in the other kernels. Distances in elements; one group.
struct PlanarConv {
  Border border;
  Index top, left, kh, kw, out, stride_h;
  const float* packed;  ///< kh*kw*c rows and `out` columns
  Index y_pixel, y_row, y_image, oh, ow;

  constexpr PlanarForm form() const { return planar_form(border, top, left, kh, kw, stride_h, oh, ow, true); }
  constexpr Index scratch() const { return border.c * form().x_plane + out * form().y_plane; }
};

/// True where vectors over pixels hold clearly more than vectors over outputs.
constexpr bool prefers_planes(const PlanarConv& p) {
  if (p.kh * p.kw < 4 || p.oh * p.ow == 0) return false;
  const Index over_outputs = (p.out + kLanes - 1) / kLanes * kLanes, over_pixels = p.form().vectors * kLanes;
  return 3 * p.oh * p.ow * over_outputs > 4 * over_pixels * p.out;
}

void convolve_planes(const PlanarConv& p, Index n, const float* x, const Epilogue& epilogue, float* y,
                     float* scratch);

/// The weight gradient's form of the same: its lanes are pixels that it sums over.
constexpr PlanarForm gradient_form(const ConvGeometry& g) {
  return planar_form(input_border(g), 0, 0, g.kh, g.kw, g.stride_h, g.oh, g.ow, false);
}

/// True where vectors over pixels serve the weight gradient better than tiles of kw*c rows by vectors over
/// outputs.
constexpr bool dw_prefers_planes(const ConvGeometry& g) {
  if (g.groups != 1 || g.stride_w != 1 || g.kh * g.kw < 4 || g.oh * g.ow == 0) return false;
  constexpr Index kMostSums = 64 * 1024, kBusy = 8;  // sums that keep the multipliers busy
  const Index vectors = (g.oc + kLanes - 1) / kLanes;
  if (g.kh * g.kw * g.c * g.oc * kLanes > kMostSums) return false;
  const Index sums = smaller(kBusy, g.kw * g.c * smaller(vectors, kPanelVectors));
  return 3 * g.ow * g.oh * vectors * kLanes * kBusy > 4 * gradient_form(g).vectors * kLanes * g.oc * sums;
}

constexpr Index planar_dw_scratch(const ConvGeometry& g) {
  const PlanarForm f = gradient_form(g);
  return g.c * f.x_plane + f.vectors * g.oc * kLanes + (g.kh * g.kw * g.c * g.oc + kLanes) * kLanes;
}

/// Rows [first, last) of dweight, seen as (kh*kw*c, oc).
void planar_dw(const ConvGeometry& g, Index n, const float* x, const float* dy, float* dweight,
               bool accumulate, Index first, Index last, float* scratch);

}  // namespace firn::FIRN_ISA_SPACE
