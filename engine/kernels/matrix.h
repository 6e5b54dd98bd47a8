// Products of bf16 by a matrix unit (matrix_unit.h): dense layers, convolutions and their gradients.
#pragma once

#include "engine/kernels/bf16.h"
#include "engine/kernels/conv.h"
#include "engine/kernels/matrix_unit.h"

namespace firn {

/// Numbers in memory: `real`, which are rounded to bf16 where they are multiplied, or bf16.
struct Numbers {
  const void* data = nullptr;
  bool narrow = false;
};

/// A convolution for a matrix unit. A dense layer is one with a kernel of one pixel, its rows the columns of
/// an image of height 1.
struct MatrixConvolution {
  ConvGeometry g;  ///< groups = 1, no `trains`
  /// Zeros between the rows and columns of the input: pixel (i,j) counts as (i*spread_h, j*spread_w) of an
  /// image that has h, w pixels with them. 1: none.
  Index spread_h = 1, spread_w = 1;
};

/// The epilogue's residual may be bf16 too: then it is `residual`, and `terms.residual` null.
struct MatrixEpilogue {
  Epilogue terms;
  const Bf16* residual = nullptr;
};

/// Sums over n images of products of an input's and an output gradient's elements: dweight (kh,kw,c,columns).
struct MatrixGradient {
  ConvGeometry g;  ///< its `trains` choose the columns of dy
  Index n = 0;
  Numbers x, dy;
  /// Elements from pixel to pixel and image to image.
  Index x_pixel = 0, x_image = 0, dy_pixel = 0, dy_image = 0;
  Index first = 0, last = 0;  ///< units, of `gradient_units`
  real* dweight = nullptr;    ///< all of it; rows of `row` elements
  Index row = 0;
};

/// The order of sums, each cut into steps of kUnitDepth products, the last filled up with zeros:
/// `forward`: row of the kernel; of each, as many times as the stride is wide, the columns of the kernel that
/// lie so far apart; channel. Steps end with each row and each such set of columns.
/// `gradient`: image; pixel of the output, its rows lengthened by zeros to as many pixels as a padded row of
/// the input has (divided by the stride). Steps end with each image.
/// The bits of an image do not depend on the others, nor on which unit of one order of sums it is. Where an
/// input is infinite or NaN its neighbours may become NaN too.
struct MatrixKernels {
  /// Elements of a packed weight, whole cache lines.
  Index (*weight_count)(const ConvGeometry& g);
  /// Weight (kh,kw,c,oc) to the form that `forward` reads; `packed` is 64-byte aligned where that should be
  /// fast.
  void (*pack)(const ConvGeometry& g, const real* weight, real* packed);
  /// Elements of scratch for n images, 64-byte aligned.
  Index (*scratch)(const MatrixConvolution& c, Index n);
  /// y = epilogue(x * weight) for n images; y is bf16 where `narrow`.
  void (*forward)(const MatrixUnit& unit, const MatrixConvolution& c, Index n, Numbers x, const real* packed,
                  const MatrixEpilogue& epilogue, void* y, bool narrow, real* scratch);
  /// Independent pieces of a weight gradient.
  Index (*gradient_units)(const ConvGeometry& g);
  Index (*gradient_scratch)(const ConvGeometry& g, Index n);
  void (*gradient)(const MatrixUnit& unit, const MatrixGradient& call, real* scratch);
};

/// True for the convolutions that they take.
constexpr bool matrix_fits(const ConvGeometry& g) {
  constexpr Index kMostSegments = 64;
  const Index wide = g.stride_w < g.kw ? g.stride_w : g.kw;
  return g.groups == 1 && g.kh * wide <= kMostSegments;
}

}  // namespace firn
