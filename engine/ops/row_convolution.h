// Products that are computed as convolutions.
#pragma once

#include "engine/kernels/conv.h"

namespace firn {

/// A product of rows of k numbers with a weight (k,n): images of one pixel.
constexpr ConvGeometry row_convolution(Index k, Index n) {
  ConvGeometry g;
  g.h = g.w = g.oh = g.ow = 1;
  g.c = k;
  g.oc = n;
  return g;
}

/// The filters (kh,kw,oc,c) turned by half a turn, input and output channels exchanged: `g` is the
/// convolution that gives the input gradient.
void turn_filters(const ConvGeometry& g, const real* weight, real* to);

}  // namespace firn
