#include "engine/ops/winograd.h"

#include <algorithm>

#include "engine/kernels/winograd.h"

namespace firn {

Index winograd_tile(const ConvGeometry& g, Isa isa, Index batch) {
  if (isa == Isa::naive || !winograd_fits(g)) return 0;
  const Index narrow = std::min(g.c, g.oc);
  if (narrow < (batch == 0 ? 16 : 64)) return 0;
  return 4;
}

}  // namespace firn
