// Pooling kernels over images (N,H,W,C), vectorised over channels.
#pragma once

#include "engine/base/real.h"

namespace firn {

/// Windows of kh x kw; pad is top and left. Places outside of the image are no part of a window.
/// Ceil rounding of the output size is in oh and ow; every window must touch the image.
struct PoolGeometry {
  Index h = 0, w = 0, c = 0;
  Index kh = 1, kw = 1, stride_h = 1, stride_w = 1, pad_h = 0, pad_w = 0;
  Index oh = 0, ow = 0;
  bool count_padding = true;  ///< average: divide by kh*kw inside the padded image (PyTorch's
                              ///< count_include_pad; what ceil rounding adds beyond the padding is
                              ///< not counted), else by the places inside the image
};

/// All functions work on `n` images on the calling thread. kh * kw <= 255.
struct PoolKernels {
  /// y (N,oh,ow,c) = the greatest of each window, the first of equals; `position` (N,oh,ow,c), unless null,
  /// gets its place a*kw + b in the window. NaN wins over every number.
  void (*max_forward)(const PoolGeometry& g, Index n, const real* x, real* y, std::uint8_t* position);
  /// dx (N,h,w,c) = dy scattered to the positions, summed where windows overlap, else zero.
  void (*max_gradient)(const PoolGeometry& g, Index n, const real* dy, const std::uint8_t* position,
                       real* dx);
  /// y (N,oh,ow,c) = the mean of each window.
  void (*average_forward)(const PoolGeometry& g, Index n, const real* x, real* y);
  void (*average_gradient)(const PoolGeometry& g, Index n, const real* dy, real* dx);
  /// y (N,c) = mean over the image, and its gradient.
  void (*global_forward)(Index n, Index pixels, Index c, const real* x, real* y);
  void (*global_gradient)(Index n, Index pixels, Index c, const real* dy, real* dx);
};

}  // namespace firn
