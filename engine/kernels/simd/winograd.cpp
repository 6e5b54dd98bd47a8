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
  Index products_at, elements;
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
  b.products_at = points * b.input_plane;
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

/// The inputs under a tile; its rows [top, bottom) and columns [left, right) lie inside of the image.
struct Patch {
  const float* x;  ///< the first one inside
  Index line, pixel;
  Index top, bottom, left, right;
};
template <int m>
Patch patch_of(const ConvGeometry& g, const Place& p, const float* x) {
  constexpr int t = m + 2;
  const Index i0 = p.i - g.pad_h, j0 = p.j - g.pad_w;
  Patch patch{x, g.w * g.c, g.c, larger(0, -i0), smaller(t, g.h - i0), larger(0, -j0), smaller(t, g.w - j0)};
  if (patch.top >= patch.bottom || patch.left >= patch.right) {
    patch.bottom = patch.right = 0;
  } else {
    patch.x += ((p.image * g.h + i0 + patch.top) * g.w + j0 + patch.left) * g.c;
  }
  return patch;
}

/// v(point, channel) = B^T d B for `channels` channels under a tile, `whole` where all of it lies inside of
/// the image; points lie `plane` apart.
template <int m, bool whole>
void transform_input(const Patch& patch, Index channels, float* v, Index plane) {
  constexpr int t = m + 2;
  const Index line = patch.line, pixel = patch.pixel;
  const auto vector = [&](Index c, const auto& load_at) __attribute__((always_inline)) {
    Vec half[t][t];
    const float* from = patch.x + c;
#pragma GCC unroll 6
    for (int j = 0; j < t; ++j) {
      Vec column[t] = {}, w[t] = {};
      if (whole || (j >= patch.left && j < patch.right)) {
        asm("" : "+r"(from));  // else every load has a pointer of its own, kept in memory
        const float* at = from;
#pragma GCC unroll 6
        for (int i = 0; i < t; ++i) {
          if (!whole && (i < patch.top || i >= patch.bottom)) continue;
          column[i] = load_at(at);
          at += line;
        }
        WinogradLine<m>::input(column, w);
        from += pixel;
      }
#pragma GCC unroll 6
      for (int i = 0; i < t; ++i) half[i][j] = w[i];
    }
    float* to = v + c;
#pragma GCC unroll 6
    for (int i = 0; i < t; ++i) {
      Vec w[t];
      WinogradLine<m>::input(half[i], w);
      asm("" : "+r"(to));
#pragma GCC unroll 6
      for (int j = 0; j < t; ++j) {
        store(to, w[j]);
        to += plane;
      }
    }
  };
  Index c = 0;
  for (; c + kLanes <= channels; c += kLanes) vector(c, [](const float* at) { return load(at); });
  const Index rest = channels - c;
  if (rest > 0) vector(c, [rest](const float* at) { return load_part(at, rest); });
}

template <int m>
void transform_input(const ConvGeometry& g, const Place& p, const float* x, float* v, Index plane) {
  constexpr int t = m + 2;
  const Patch patch = patch_of<m>(g, p, x);
  const bool whole = patch.top == 0 && patch.bottom == t && patch.left == 0 && patch.right == t;
  (whole ? transform_input<m, true> : transform_input<m, false>)(patch, g.c, v, plane);
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
      const float* from = products + j * plane + o;
      asm("" : "+r"(from));
#pragma GCC unroll 6
      for (int i = 0; i < t; ++i) {
        z[i] = load(from);
        from += t * plane;
      }
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
  float *const inputs = scratch, *const products = scratch + b.products_at;
  for_each_tile(b.tiles, b.most_tiles, [&](Index first, Index rows) {
    for (Index i = 0; i < rows; ++i) {
      transform_input<m>(g, place_of<m>(b, first + i), x, inputs + i * b.input_row, b.input_plane);
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
