// Winograd's minimal filtering for 3x3 convolutions of stride 1 (Lavin and Gray 2016, "Fast algorithms for
// convolutional neural networks").
#pragma once

#include "engine/kernels/conv.h"

namespace firn {

/// F(m x m, 3x3) makes m x m outputs of a channel from (m+2)^2 products instead of 9 m^2:
/// Y = A^T [ sum over channels (G g G^T) * (B^T d B) ] A, with d the (m+2) x (m+2) inputs under a tile, g a
/// 3x3 filter and * element by element. The sum over channels is (m+2)^2 matrix products over all tiles. The
/// matrices are those of Toom and Cook at the points 0, 1, -1 and infinity for m = 2, and for m = 4
/// 0, +-kWinogradNear, +-kWinogradFar and infinity: nearer to 1 than the usual +-1, +-2, which rounds less.
///
/// An infinite or NaN input spoils all outputs of its tiles.
inline constexpr double kWinogradNear = 0.75;
inline constexpr double kWinogradFar = 1.5;

/// What the rounding errors stay below, as the largest one over the root mean square of the output, for
/// normal inputs, He weights and 64 to 512 channels; measured: a third of it (bench/winograd.md).
constexpr double winograd_tolerance(Index m) {
  return m == 2 ? 1e-5 : 4e-5;
}

/// True for the convolutions that the kernels below take.
constexpr bool winograd_fits(const ConvGeometry& g) {
  return g.kh == 3 && g.kw == 3 && g.stride_h == 1 && g.stride_w == 1 && g.groups == 1;
}

/// The input gradient of `g`, where `winograd_fits(g)`, as a convolution itself: over dy, with the filters
/// turned by half a turn and input and output channels exchanged.
constexpr ConvGeometry input_gradient_of(const ConvGeometry& g) {
  ConvGeometry d = g;
  d.h = g.oh;
  d.w = g.ow;
  d.c = g.oc;
  d.oh = g.h;
  d.ow = g.w;
  d.oc = g.c;
  d.pad_h = g.kh - 1 - g.pad_h;
  d.pad_w = g.kw - 1 - g.pad_w;
  return d;
}

/// All functions want `winograd_fits(g)` and m = 2 or 4, and work on the calling thread.
struct WinogradKernels {
  /// Elements of a transformed weight.
  Index (*weight_count)(const ConvGeometry& g, Index m);
  /// Weight (3,3,c,oc) to the form that `forward` reads.
  void (*transform)(const ConvGeometry& g, Index m, const real* weight, real* transformed);
  /// The same for the input gradient: g and the weight (3,3,c,oc) are the forward convolution's, the result
  /// is what `forward` reads for `input_gradient_of(g)`.
  void (*transform_dx)(const ConvGeometry& g, Index m, const real* weight, real* transformed);
  /// Elements of scratch for n images, 64-byte aligned.
  Index (*scratch)(const ConvGeometry& g, Index m, Index n);
  /// y = epilogue(x * weight) for n images. The bits of an image do not depend on the others.
  void (*forward)(const ConvGeometry& g, Index m, Index n, const real* x, const real* transformed,
                  const Epilogue& epilogue, real* y, real* scratch);
};

}  // namespace firn
