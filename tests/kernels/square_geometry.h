// Geometries of convolutions for the tests of kernels.
#pragma once

#include "engine/kernels/conv.h"

namespace firn::test {

/// Images (h,w,c) to oc channels by kernels (k,k), the same stride and padding on all sides.
inline ConvGeometry geometry(Index h, Index w, Index c, Index oc, Index k, Index stride, Index pad) {
  ConvGeometry g;
  g.h = h;
  g.w = w;
  g.c = c;
  g.oc = oc;
  g.kh = g.kw = k;
  g.stride_h = g.stride_w = stride;
  g.pad_h = g.pad_w = pad;
  g.oh = (h + 2 * pad - k) / stride + 1;
  g.ow = (w + 2 * pad - k) / stride + 1;
  return g;
}

}  // namespace firn::test
