// Convolution kernels over images (N,H,W,C).
#pragma once

#include "engine/kernels/gemm.h"

namespace firn {

/// The output channels [first, last).
struct ChannelRange {
  Index first = 0, last = 0;
};

/// A 2-D convolution (cross-correlation, as every framework means it).
/// x (N,h,w,c), weight (kh,kw,c/groups,oc), y (N,oh,ow,oc);
/// y[n,i,j,o] = sum x[n, i*stride_h - pad_h + a, j*stride_w - pad_w + b, g*c/groups + q] * weight[a,b,q,o],
/// with g the group of o; what lies outside of x is zero. `pad_h` and `pad_w` are top and left; below
/// and to the right as much is added as oh and ow need.
struct ConvGeometry {
  Index h = 0, w = 0, c = 0;
  Index kh = 1, kw = 1, oc = 0;
  Index stride_h = 1, stride_w = 1, pad_h = 0, pad_w = 0;
  Index groups = 1;
  Index oh = 0, ow = 0;
  /// For the weight gradient alone: sorted ranges of the output channels that it is wanted of, which then are
  /// the columns of dweight, one beside the other; none: of all. Their sums are those of the whole gradient.
  const ChannelRange* trains = nullptr;
  Index trainable_ranges = 0;

  Index weight_count() const { return kh * kw * (c / groups) * oc; }
  /// Multiply-adds for one image; the input and the weight gradient need as many.
  Index macs() const { return oh * ow * kh * kw * (c / groups) * oc; }
  /// Output channels that the weight gradient is wanted of.
  Index trainable_count() const {
    if (trains == nullptr) return oc;
    Index count = 0;
    for (Index i = 0; i < trainable_ranges; ++i) count += trains[i].last - trains[i].first;
    return count;
  }
};

/// All functions work on `n` images on the calling thread. `scratch` has at least as many elements
/// as the matching `*_scratch` says (it may say 0) and is 64-byte aligned.
struct ConvKernels {
  Index (*packed_count)(const ConvGeometry& g);
  /// Weight (kh,kw,c/groups,oc) to the form that `forward` reads.
  void (*pack)(const ConvGeometry& g, const real* weight, real* packed);
  Index (*packed_dx_count)(const ConvGeometry& g);
  /// Weight to the form that `dx` reads.
  void (*pack_dx)(const ConvGeometry& g, const real* weight, real* packed);

  Index (*forward_scratch)(const ConvGeometry& g, Index n);
  /// y = epilogue(x * weight)
  void (*forward)(const ConvGeometry& g, Index n, const real* x, const real* packed, const Epilogue& epilogue,
                  real* y, real* scratch);

  Index (*dx_scratch)(const ConvGeometry& g, Index n);
  /// dx (N,h,w,c) = the input gradient for dy (N,oh,ow,oc).
  void (*dx)(const ConvGeometry& g, Index n, const real* dy, const real* packed_dx, real* dx, real* scratch);

  /// Independent pieces that the weight gradient can be cut into; a function of the geometry alone. A call
  /// with many of them is cheaper than many calls: what they share is prepared once.
  Index (*dw_units)(const ConvGeometry& g);
  Index (*dw_scratch)(const ConvGeometry& g, Index n);
  /// The units [first, last) of dweight (kh,kw,c/groups,trainable_count), summed over the n images;
  /// `accumulate` adds to dweight.
  void (*dw)(const ConvGeometry& g, Index n, const real* x, const real* dy, real* dweight, bool accumulate,
             Index first, Index last, real* scratch);
};

}  // namespace firn
