#include "engine/ops/row_convolution.h"

#include <algorithm>

namespace firn {

namespace {

constexpr Index kBlock = 16;  // rows and columns that are exchanged together

}  // namespace

void turn_filters(const ConvGeometry& g, const real* weight, real* to) {
  for (Index a = 0; a < g.kh; ++a) {
    for (Index b = 0; b < g.kw; ++b) {
      const real* from = weight + ((g.kh - 1 - a) * g.kw + g.kw - 1 - b) * g.c * g.oc;
      // In blocks that stay in the first-level cache.
      for (Index c = 0; c < g.c; c += kBlock) {
        for (Index o = 0; o < g.oc; o += kBlock) {
          const Index rows = std::min(kBlock, g.c - c), columns = std::min(kBlock, g.oc - o);
          for (Index i = 0; i < rows; ++i) {
            for (Index k = 0; k < columns; ++k) to[(c + i) * g.oc + o + k] = from[(o + k) * g.c + c + i];
          }
        }
      }
      to += g.c * g.oc;
    }
  }
}

}  // namespace firn
