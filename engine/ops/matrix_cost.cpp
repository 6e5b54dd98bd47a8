#include "engine/ops/matrix_cost.h"

#include <algorithm>

#include "engine/ops/rates.h"

namespace firn {

namespace {

/// Pairs are loaded one by one, whatever lines they lie in.
double lines_cost(double of_tiles) {
  return matrix_unit().in_pairs ? 1 : of_tiles;
}

double as_double(Index i) {
  return static_cast<double>(i);
}

Index divided_up(Index a, Index b) {
  return (a + b - 1) / b;
}

double tile_cost(double rate) {
  return as_double(kUnitRows * kUnitRows * kUnitDepth) / rate;
}

double per_product(double cost, const ConvGeometry& g) {
  return cost / std::max(1.0, as_double(g.macs()));
}

Index padded_row(const ConvGeometry& g) {
  return divided_up(std::max(g.w + g.pad_w, (g.ow - 1) * g.stride_w + g.kw), g.stride_w);
}

}  // namespace

double matrix_cost(const MatrixConvolution& c, double rate) {
  const ConvGeometry& g = c.g;
  Index steps = 0;
  for (Index q = 0; q < std::min(g.stride_w, g.kw); ++q)
    steps += g.kh * divided_up(divided_up(g.kw - q, g.stride_w) * g.c, kUnitDepth);
  // Rows of a dense layer fill tiles together.
  const bool pixel = g.oh * g.ow == 1;
  const double rows = pixel ? 1.0 / as_double(kUnitRows)
                            : as_double(divided_up((g.oh - 1) * padded_row(g) + g.ow, kUnitRows));
  const double lines =
      g.c % 32 == 0 || pixel ? 1 : lines_cost(g.c % 16 == 0 ? rates::kHalfLines : rates::kOddLines);
  const double tiles = as_double(steps * divided_up(g.oc, kUnitRows)) * rows;
  const Index inputs = divided_up(g.h, c.spread_h) * divided_up(g.w, c.spread_w) * g.c;
  return per_product(
      tiles * tile_cost(rate) * lines + rates::kMatrixElement * as_double(inputs + g.oh * g.ow * g.oc), g);
}

double matrix_gradient_cost(const ConvGeometry& g, double rate) {
  const Index steps = divided_up((g.oh - 1) * padded_row(g) + g.ow, kUnitDepth);
  const Index tiles = steps * g.kh * g.kw * divided_up(g.c, kUnitRows) * divided_up(g.oc, kUnitRows);
  const double lines = g.kw * g.kh == 1 ? 1 : lines_cost(rates::kOddLines);
  return per_product(as_double(tiles) * tile_cost(rate) * lines +
                         rates::kMatrixElement * as_double(g.h * g.w * g.c + g.oh * g.ow * g.oc),
                     g);
}

}  // namespace firn
