#include "engine/ops/winograd.h"

#include "engine/kernels/winograd.h"

namespace firn {

namespace {

/// What must be won for the trouble, and to be sure of it on other processors too.
constexpr double kWorthwhile = 1.2;
/// With fewer channels the products are too shallow for what is counted here.
constexpr Index kFewest = 8;
/// The transform of one channel pair's filter, in multiply-adds of the direct kernel.
constexpr double kFilter = 750;

/// The transforms of a tile's inputs and outputs, in products with one channel; fitted to the
/// measurements in bench/winograd.md.
double transform_cost(Isa isa, Index m) {
  switch (isa) {
    case Isa::avx512:
      return m == 2 ? 10 : 12;
    case Isa::avx2:
      return m == 2 ? 6 : 8;
    default:
      return m == 2 ? 3.4 : 5.2;
  }
}

}  // namespace

double winograd_gain(const ConvGeometry& g, Isa isa, Index batch, Index m) {
  const auto number = [](Index i) { return static_cast<double>(i); };
  const Index tiles = ((g.oh + m - 1) / m) * ((g.ow + m - 1) / m);
  const double transforms = transform_cost(isa, m) * (1 / number(g.c) + 1 / number(g.oc));
  double cost = number(tiles * (m + 2) * (m + 2)) * (1 + transforms);
  if (batch > 0) cost += kFilter / number(batch);
  return number(9 * g.oh * g.ow) / cost;
}

Index winograd_tile(const ConvGeometry& g, Isa isa, Index batch) {
  if (isa == Isa::naive || !winograd_fits(g) || g.macs() == 0) return 0;
  if (g.c < kFewest || g.oc < kFewest) return 0;
  const double two = winograd_gain(g, isa, batch, 2), four = winograd_gain(g, isa, batch, 4);
  if (two < kWorthwhile && four < kWorthwhile) return 0;
  return four >= two ? 4 : 2;
}

}  // namespace firn
