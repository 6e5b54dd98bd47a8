#include "engine/kernels/winograd.h"

#include "engine/kernels/simd/micro_kernel.h"
#include "engine/kernels/simd/winograd_transform.h"

namespace firn::FIRN_ISA_SPACE {

extern const GemmKernels gemm;

namespace {

/// Elements of transformed inputs and of products that are worked on together: both stay in the second-level
/// cache, beside the weights that stream through it.
constexpr Index kInputs = 96 * 1024;
constexpr Index kProducts = 128 * 1024;
/// Tiles of a block: whole register tiles of the micro-kernel, as many as the inputs leave room for.
constexpr Index kLeastTiles = 42;
constexpr Index kMostTiles = 84;
/// Between the matrices of two points, so that the same element of all of them does not fall into one cache
/// set.
constexpr Index kSkew = 16;

constexpr Index whole_vectors(Index count) {
  return (count + kLanes - 1) / kLanes * kLanes;
}

/// The elements of a 3x3 weight as seen by a convolution with `in` inputs and `out` outputs: w(a,b,i,o).
struct Filters {
  const float* first;  ///< w(0,0,0,0)
  Index in, out;
  Index tap, in_stride, out_stride;  ///< distances
};

Index plane_of(Index in, Index out) {
  return packed_elements(in, out) + kSkew;
}

/// Weights of one vector of outputs and up to kLanes inputs, as (tap, input, output).
struct FilterBlock {
  alignas(64) float w[9][kLanes][kLanes];

  void gather(const Filters& f, Index i, Index inputs, Index o, Index outputs) {
    for (Index tap = 0; tap < 9; ++tap) {
      const float* const from = f.first + tap * f.tap + i * f.in_stride + o * f.out_stride;
      for (Index q = 0; q < inputs; ++q) {
        if (f.out_stride == 1) {
          store(w[tap][q], load_part(from + q * f.in_stride, outputs));
        } else {
          for (Index v = 0; v < outputs; ++v) w[tap][q][v] = from[q * f.in_stride + v * f.out_stride];
          for (Index v = outputs; v < kLanes; ++v) w[tap][q][v] = 0;
        }
      }
    }
  }
};

/// One packed matrix (in,out) for each point.
template <int m>
void transform_filters(const Filters& f, float* transformed) {
  constexpr int t = m + 2;
  const Index plane = plane_of(f.in, f.out);
  FilterBlock block;
  for (Index o = 0; o < f.out; o += kLanes) {
    const Index panel = o / kPanel * kPanel, width = panel_vectors(smaller(f.out - panel, kPanel)) * kLanes;
    for (Index i0 = 0; i0 < f.in; i0 += kLanes) {
      const Index inputs = smaller(f.in - i0, kLanes);
      block.gather(f, i0, inputs, o, smaller(f.out - o, kLanes));
      for (Index q = 0; q < inputs; ++q) {
        Vec half[3][t];
        for (int b = 0; b < 3; ++b) {
          Vec column[3];
          for (int a = 0; a < 3; ++a) column[a] = load(block.w[a * 3 + b][q]);
          WinogradLine<m>::filter(column, half[b]);
        }
        float* const to = transformed + panel * f.in + (i0 + q) * width + (o - panel);
        for (int a = 0; a < t; ++a) {
          const Vec row[3] = {half[0][a], half[1][a], half[2][a]};
          Vec u[t];
          WinogradLine<m>::filter(row, u);
          for (int b = 0; b < t; ++b) store(to + (a * t + b) * plane, u[b]);
        }
      }
    }
  }
}

/// How a call is cut into blocks of tiles and of output channels, and where things lie in scratch.
struct Blocks {
  Index tiles_h, tiles_w, tiles, most_tiles, columns;
  Index input_row, input_plane, product_row, product_plane;
  Index inputs_at, products_at, elements;
};

template <int m>
Blocks blocks_of(const ConvGeometry& g, Index n) {
  constexpr Index points = (m + 2) * (m + 2);
  Blocks b{};
  b.tiles_h = (g.oh + m - 1) / m;
  b.tiles_w = (g.ow + m - 1) / m;
  b.tiles = n * b.tiles_h * b.tiles_w;
  b.input_row = whole_vectors(g.c);
  const Index room = kInputs / (points * larger(1, b.input_row));
  b.most_tiles = smaller(kMostTiles, larger(kLeastTiles, room / 14 * 14));
  const Index rows = smaller(b.most_tiles, b.tiles);
  b.columns = larger(kPanel, kProducts / (points * larger(1, rows)) / kPanel * kPanel);
  b.columns = smaller(b.columns, whole_vectors(g.oc));
  b.input_plane = rows * b.input_row + kSkew;
  b.product_row = b.columns;
  b.product_plane = rows * b.product_row + kSkew;
  b.inputs_at = b.input_row;  // behind a pixel of zeros
  b.products_at = b.inputs_at + points * b.input_plane;
  b.elements = b.products_at + points * b.product_plane;
  return b;
}

/// The first output of a tile.
struct Place {
  Index image, i, j;
};
template <int m>
Place place_of(const Blocks& b, Index tile) {
  const Index row = tile / b.tiles_w;
  return {row / b.tiles_h, row % b.tiles_h * m, tile % b.tiles_w * m};
}

/// v(point, channel) = B^T d B for the inputs under a tile; points lie `plane` apart.
template <int m>
void transform_input(const ConvGeometry& g, const Place& p, const float* x, const float* zeros, float* v,
                     Index plane) {
  constexpr int t = m + 2;
  const Index i0 = p.i - g.pad_h, j0 = p.j - g.pad_w;
  const Index first = larger(0, -j0), last = smaller(t, g.w - j0);  // columns inside of the image
  const float* row[t];
  Index step[t];
  for (Index i = 0; i < t; ++i) {
    const bool inside = i0 + i >= 0 && i0 + i < g.h && first < last;
    row[i] = inside ? x + ((p.image * g.h + i0 + i) * g.w + j0 + first) * g.c : zeros;
    step[i] = inside ? g.c : 0;
  }
  const auto channels = [&](Index c, const auto& load_at) __attribute__((always_inline)) {
    Vec half[t][t];
#pragma GCC unroll 6
    for (int j = 0; j < t; ++j) {
      Vec column[t] = {}, w[t] = {};
      if (j >= first && j < last) {
#pragma GCC unroll 6
        for (int i = 0; i < t; ++i) column[i] = load_at(row[i] + (j - first) * step[i] + c);
        WinogradLine<m>::input(column, w);
      }
#pragma GCC unroll 6
      for (int i = 0; i < t; ++i) half[i][j] = w[i];
    }
#pragma GCC unroll 6
    for (int i = 0; i < t; ++i) {
      Vec w[t];
      WinogradLine<m>::input(half[i], w);
#pragma GCC unroll 6
      for (int j = 0; j < t; ++j) store(v + (i * t + j) * plane + c, w[j]);
    }
  };
  Index c = 0;
  for (; c + kLanes <= g.c; c += kLanes) channels(c, [](const float* from) { return load(from); });
  const Index rest = g.c - c;
  if (rest > 0) channels(c, [rest](const float* from) { return load_part(from, rest); });
}

/// y = epilogue(A^T p A) for `columns` output channels of a tile from `column` on.
template <int m>
void transform_output(const ConvGeometry& g, const Place& p, const float* products, Index plane, Index column,
                      Index columns, const Epilogue& e, float* y) {
  constexpr int t = m + 2;
  const Index rows_inside = smaller(m, g.oh - p.i), columns_inside = smaller(m, g.ow - p.j);
  const Index line = g.ow * g.oc, at = ((p.image * g.oh + p.i) * g.ow + p.j) * g.oc + column;
  const auto channels = [&](Index o, const auto& load_at, const auto& store_at)
      __attribute__((always_inline)) {
    Vec half[m][t];
#pragma GCC unroll 6
    for (int j = 0; j < t; ++j) {
      Vec z[t], w[m];
#pragma GCC unroll 6
      for (int i = 0; i < t; ++i) z[i] = load(products + (i * t + j) * plane + o);
      WinogradLine<m>::output(z, w);
#pragma GCC unroll 6
      for (int i = 0; i < m; ++i) half[i][j] = w[i];
    }
    const Vec scale = e.scale != nullptr ? load_at(e.scale + column + o) : broadcast(1);
    const Vec shift = e.shift != nullptr ? load_at(e.shift + column + o) : Vec{};
#pragma GCC unroll 6
    for (int i = 0; i < m; ++i) {
      if (i >= rows_inside) break;
      Vec w[m];
      WinogradLine<m>::output(half[i], w);
#pragma GCC unroll 6
      for (int j = 0; j < m; ++j) {
        if (j >= columns_inside) break;
        const Index to = at + i * line + j * g.oc + o;
        Vec z = w[j] * scale + shift;
        if (e.residual != nullptr) z += load_at(e.residual + to);
        if (e.activation == Activation::relu) z = max(Vec{}, z);
        if (e.activation == Activation::leaky_relu) z = z > Vec{} ? z : e.slope * z;
        store_at(y + to, z);
      }
    }
  };
  Index o = 0;
  for (; o + kLanes <= columns; o += kLanes) {
    channels(
        o, [](const float* from) { return load(from); }, [](float* to, Vec z) { store(to, z); });
  }
  const Index rest = columns - o;
  if (rest > 0) {
    channels(
        o, [rest](const float* from) { return load_part(from, rest); },
        [rest](float* to, Vec z) { store_part(to, z, rest); });
  }
}

template <int m>
void convolve(const ConvGeometry& g, Index n, const float* x, const float* transformed,
              const Epilogue& epilogue, float* y, float* scratch) {
  constexpr Index points = (m + 2) * (m + 2);
  if (n * g.oh * g.ow * g.oc == 0) return;
  const Blocks b = blocks_of<m>(g, n);
  float *const inputs = scratch + b.inputs_at, *const products = scratch + b.products_at;
  zero_floats(b.input_row, scratch);
  for_each_tile(b.tiles, b.most_tiles, [&](Index first, Index rows) {
    for (Index i = 0; i < rows; ++i) {
      transform_input<m>(g, place_of<m>(b, first + i), x, scratch, inputs + i * b.input_row, b.input_plane);
    }
    for (Index column = 0; column < g.oc; column += b.columns) {
      Gemm call{};
      call.m = rows;
      call.n = smaller(b.columns, g.oc - column);
      call.k = g.c;
      call.ams = b.input_row;
      call.aks = 1;
      call.ldc = b.product_row;
      for (Index point = 0; point < points; ++point) {
        call.a = inputs + point * b.input_plane;
        call.b = transformed + point * plane_of(g.c, g.oc) + column * g.c;
        call.c = products + point * b.product_plane;
        gemm.product(call);
      }
      for (Index i = 0; i < rows; ++i) {
        transform_output<m>(g, place_of<m>(b, first + i), products + i * b.product_row, b.product_plane,
                            column, call.n, epilogue, y);
      }
    }
  });
  activate_rows(epilogue, n * g.oh * g.ow, g.oc, y, g.oc);
}

Index weight_count(const ConvGeometry& g, Index m) {
  return (m + 2) * (m + 2) * plane_of(g.c, g.oc);
}

void transform(const ConvGeometry& g, Index m, const real* weight, real* transformed) {
  const Filters f{weight, g.c, g.oc, g.c * g.oc, g.oc, 1};
  m == 2 ? transform_filters<2>(f, transformed) : transform_filters<4>(f, transformed);
}

void transform_dx(const ConvGeometry& g, Index m, const real* weight, real* transformed) {
  const Filters f{weight + 8 * g.c * g.oc, g.oc, g.c, -g.c * g.oc, 1, g.oc};
  m == 2 ? transform_filters<2>(f, transformed) : transform_filters<4>(f, transformed);
}

Index scratch(const ConvGeometry& g, Index m, Index n) {
  return m == 2 ? blocks_of<2>(g, n).elements : blocks_of<4>(g, n).elements;
}

void forward(const ConvGeometry& g, Index m, Index n, const real* x, const real* transformed,
             const Epilogue& epilogue, real* y, real* scratch) {
  (m == 2 ? convolve<2> : convolve<4>)(g, n, x, transformed, epilogue, y, scratch);
}

}  // namespace

extern const WinogradKernels winograd;
const WinogradKernels winograd{weight_count, transform, transform_dx, scratch, forward};

}  // namespace firn::FIRN_ISA_SPACE
