#include "engine/ops/winograd.h"

#include <algorithm>

#include "engine/kernels/winograd.h"
#include "engine/ops/rates.h"

namespace firn {

double winograd_gain(const ConvGeometry& g, Isa isa, Index batch, Index m) {
  const auto number = [](Index i) { return static_cast<double>(i); };
  const Index tiles = ((g.oh + m - 1) / m) * ((g.ow + m - 1) / m);
  const double transforms = rates::winograd_transforms(isa, m) * (1 / number(g.c) + 1 / number(g.oc));
  double cost = number(tiles * (m + 2) * (m + 2)) * (1 + transforms);
  if (batch > 0) cost += rates::kWinogradFilter / number(batch);
  return number(9 * g.oh * g.ow) / cost;
}

Index winograd_tile(const ConvGeometry& g, Isa isa, Index batch) {
  if (isa == Isa::naive || !winograd_fits(g) || g.macs() == 0) return 0;
  if (g.c < rates::kWinogradChannels || g.oc < rates::kWinogradChannels) return 0;
  const double two = winograd_gain(g, isa, batch, 2), four = winograd_gain(g, isa, batch, 4);
  if (std::max(two, four) < rates::kWinogradWorthwhile) return 0;
  return four >= two ? 4 : 2;
}

}  // namespace firn
