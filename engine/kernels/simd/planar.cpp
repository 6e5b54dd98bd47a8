#include "engine/kernels/simd/planar.h"

#include "engine/kernels/simd/outer_product.h"
#include "engine/kernels/simd/transpose.h"
#include "engine/kernels/simd/window.h"

namespace firn::FIRN_ISA_SPACE {

namespace {

/// Vectors of pixels and the outputs that are computed of them at once; strides of the three loops over taps.
struct ConvTile {
  const float* x[kMostRows];
  Index k, step, inner, inner_stride, outer, outer_stride;
  const float* weight;
  Index ldw;
  float* y;
  Index y_plane;
  const float *scale, *shift;
  bool add;  ///< what y holds is added
  Activation activation;
  float slope;
};

template <int P, int O>
void conv_tile(const ConvTile& t) {
  Vec sum[P][O] = {};
  const float* x[P];
#pragma GCC unroll 8
  for (int p = 0; p < P; ++p) x[p] = t.x[p];
  const float* w = t.weight;
  const Index step = t.step, ldw = t.ldw;
  for (Index o = 0; o < t.outer; ++o) {
    for (Index i = 0; i < t.inner; ++i) {
      Index at = o * t.outer_stride + i * t.inner_stride;
      for (Index k = t.k; k > 0; --k) {
        add_products(
            sum, [&](int p) { return load(x[p] + at); }, [&](int c) { return broadcast(w[c]); });
        at += step;
        w += ldw;
      }
    }
  }
  const auto each = [&](const auto& f) __attribute__((always_inline)) {
#pragma GCC unroll 8
    for (int c = 0; c < O; ++c) {
#pragma GCC unroll 8
      for (int p = 0; p < P; ++p) sum[p][c] = f(sum[p][c], c, t.y + c * t.y_plane + p * kLanes);
    }
  };
  if (t.scale != nullptr) each([&](Vec z, int c, float*) { return z * t.scale[c]; });
  if (t.shift != nullptr) each([&](Vec z, int c, float*) { return z + t.shift[c]; });
  if (t.add) each([](Vec z, int, float* y) { return z + load(y); });
  if (t.activation == Activation::relu) {
    each([](Vec z, int, float*) { return max(Vec{}, z); });
  } else if (t.activation == Activation::leaky_relu) {
    each([&](Vec z, int, float*) { return z > Vec{} ? z : t.slope * z; });
  }
  each([](Vec z, int, float* y) {
    store(y, z);
    return z;
  });
}

/// Rows of dweight and the outputs whose gradients are summed for them at once, over `rows` * `vectors`
/// vectors of pixels.
struct SumTile {
  const float* x[kMostRows];
  Index rows, x_row, vectors;
  const float* dy;
  Index dy_vector;
  float* sums;
  Index sums_row;
};

template <int T, int O>
void sum_tile(const SumTile& t) {
  Vec sum[T][O];
#pragma GCC unroll 8
  for (int r = 0; r < T; ++r) {
#pragma GCC unroll 8
    for (int o = 0; o < O; ++o) sum[r][o] = load(t.sums + r * t.sums_row + o * kLanes);
  }
  const float* x[T];
#pragma GCC unroll 8
  for (int r = 0; r < T; ++r) x[r] = t.x[r];
  const float* dy = t.dy;
  const Index dy_vector = t.dy_vector;
  for (Index i = 0; i < t.rows; ++i) {
    Index at = i * t.x_row;
    for (Index v = t.vectors; v > 0; --v) {
      add_products(
          sum, [&](int r) { return load(x[r] + at); }, [&](int o) { return load(dy + o * kLanes); });
      at += kLanes;
      dy += dy_vector;
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < T; ++r) {
#pragma GCC unroll 8
    for (int o = 0; o < O; ++o) store(t.sums + r * t.sums_row + o * kLanes, sum[r][o]);
  }
}

using ConvKernel = void (*)(const ConvTile&);
using SumKernel = void (*)(const SumTile&);

struct Row {
  ConvKernel conv[kMostRows];
  SumKernel sum[kMostRows];
};

template <int O, int... before>
constexpr Row row_of(std::integer_sequence<int, before...>) {
  return {{conv_tile<before + 1, O>...}, {sum_tile<before + 1, O>...}};
}

template <int... before>
struct Table {
  static constexpr Row rows[] = {
      row_of<before + 1>(std::make_integer_sequence<int, int{kMost[before]}>{})...};
};

template <int... before>
constexpr const Row* table(std::integer_sequence<int, before...>) {
  return Table<before...>::rows;
}

/// kTiles[columns - 1].conv[rows - 1]
constexpr const Row* kTiles = table(std::make_integer_sequence<int, int{kMostColumns}>{});

/// `count` rows of a bordered image from `first` on into planes whose left and right borders are zero
/// already.
void fill_planes(const Border& b, const PlanarForm& f, const float* image, Index first, Index count,
                 bool used, float* planes) {
  const Index inner = smaller(b.w, b.columns - b.left);
  if (inner <= 0) return;
  planes += f.x_begin + b.left;
  for (Index row = first - b.top; row < first - b.top + count; ++row, planes += f.x_row) {
    if (row >= 0 && row < b.h) {
      to_planes(image + row * b.w * b.c, b.c, b.c, inner, planes, f.x_plane);
    } else if (used) {
      for (Index c = 0; c < b.c; ++c) zero_floats(inner, planes + c * f.x_plane);
    }
  }
}

/// A strip of one image: output rows [first, first + rows), computed into `results` from the planes that hold
/// their windows.
struct Strip {
  const PlanarConv& conv;
  const PlanarForm& form;
  Index first, rows;
  const float* planes;
  float* results;
};

/// The kernel rows that meet the image in one of some vectors: the others see zeros alone.
Range rows_of_taps(const Strip& s, Index vector, Index vectors) {
  const PlanarConv& p = s.conv;
  const Index row = s.form.flat ? s.form.x_row : s.form.y_row, last = (vector + vectors) * kLanes - 1;
  const Index start = p.border.top - p.top - s.first * p.stride_h;  // where the image begins
  return {smaller(p.kh, larger(0, start - last / row * p.stride_h)),
          smaller(p.kh, larger(0, start + p.border.h - vector * kLanes / row * p.stride_h))};
}

void convolve_strip(const Strip& s, const Epilogue& e) {
  const PlanarConv& p = s.conv;
  const PlanarForm& f = s.form;
  const Index in = p.border.c, depth = p.kh * p.kw * in, count = f.vectors(s.rows, p.ow);
  const Index wide = f.flat ? count : f.wide;
  ConvTile t{};
  t.k = in == 1 ? p.kw : in;
  t.step = in == 1 ? 1 : f.x_plane;
  t.inner = in == 1 ? 1 : p.kw;
  t.inner_stride = 1;
  t.outer_stride = f.x_row;
  t.y_plane = f.y_plane;
  t.add = e.residual != nullptr;
  t.activation = e.activation;
  t.slope = e.slope;
  for (Index j = 0; j < p.out; j += kPanel) {
    const Index columns = smaller(p.out - j, kPanel);
    t.ldw = panel_vectors(columns) * kLanes;
    for_each_tile(columns, kMostColumns, [&](Index first, Index some) {
      t.scale = e.scale == nullptr ? nullptr : e.scale + j + first;
      t.shift = e.shift == nullptr ? nullptr : e.shift + j + first;
      for_each_tile(count, kMost[some - 1], [&](Index vector, Index vectors) {
        const Range taps = rows_of_taps(s, vector, vectors);
        t.outer = taps.last - taps.first;
        t.weight = p.packed + j * depth + first + taps.first * p.kw * in * t.ldw;
        const float* const from = s.planes + f.x_begin + taps.first * f.x_row + p.left;
        for (Index v = 0; v < vectors; ++v) {
          const Index row = (vector + v) / wide, column = (vector + v) % wide;
          t.x[v] = from + row * p.stride_h * f.x_row + column * kLanes;
        }
        t.y = s.results + (j + first) * f.y_plane + vector * kLanes;
        kTiles[some - 1].conv[vectors - 1](t);
      });
    });
  }
}

}  // namespace

void convolve_planes(const PlanarConv& p, Index n, const float* x, const Epilogue& e, float* y,
                     float* scratch) {
  const PlanarForm f = p.form();
  const Index in = p.border.c, shared = larger(0, p.kh - p.stride_h);  // rows that strips have in common
  float *const planes = scratch, *const results = scratch + in * f.x_plane;
  zero_floats(in * f.x_plane, planes);
  for (Index image = 0; image < n; ++image, x += p.border.h * p.border.w * in) {
    Index before = 0;  // rows of the last strip
    for_each_tile(p.oh, f.rows, [&](Index first, Index rows) {
      const Index kept = before > 0 ? shared : 0, at = image * p.y_image + first * p.y_row;
      for (Index c = 0; kept > 0 && c < in; ++c) {
        float* const plane = planes + c * f.x_plane + f.x_begin;
        copy_floats(kept * f.x_row, plane + before * p.stride_h * f.x_row, plane);
      }
      fill_planes(p.border, f, x, p.top + first * p.stride_h + kept, (rows - 1) * p.stride_h + p.kh - kept,
                  f.rows < p.oh, planes + kept * f.x_row);
      for (Index i = 0; e.residual != nullptr && i < rows; ++i) {
        to_planes(e.residual + at + i * p.y_row, p.y_pixel, p.out, p.ow, results + i * f.y_row, f.y_plane);
      }
      convolve_strip({p, f, first, rows, planes, results}, e);
      for (Index i = 0; i < rows; ++i) {
        to_pixels(results + i * f.y_row, f.y_plane, p.out, p.ow, y + at + i * p.y_row, p.y_pixel);
      }
      before = rows;
    });
  }
}

void planar_dw(const ConvGeometry& g, Index n, const float* x, const float* dy, float* dweight,
               bool accumulate, Index first, Index last, float* scratch) {
  const PlanarForm f = gradient_form(g);
  const Border border = input_border(g);
  const Index out = trainable_outputs(g), vectors = g.oh * f.wide, count = (last - first) * out;
  float *const planes = scratch, *const dy_planes = planes + g.c * f.x_plane;
  float* const sums = dy_planes + vectors * out * kLanes;
  zero_floats(g.c * f.x_plane, planes);
  zero_floats(vectors * out * kLanes, dy_planes);
  zero_floats((count + kLanes) * kLanes, sums);
  SumTile t{};
  t.rows = g.oh;
  t.x_row = g.stride_h * f.x_row;
  t.vectors = f.wide;
  t.dy_vector = out * kLanes;
  t.sums_row = out * kLanes;
  for (Index image = 0; image < n; ++image, x += g.h * g.w * g.c) {
    fill_planes(border, f, x, 0, border.rows, false, planes);
    for (Index i = 0; i < g.oh; ++i, dy += g.ow * g.oc) {
      float* to = dy_planes + i * f.wide * out * kLanes;
      for_each_live_range(g, 0, g.oc, [&](Index o, Index some) {
        to_planes(dy + o, g.oc, some, g.ow, to, kLanes, out * kLanes);
        to += some * kLanes;
      });
    }
    for_each_tile(out, kMostColumns, [&](Index o, Index some) {
      t.dy = dy_planes + o * kLanes;
      for_each_tile(last - first, kMost[some - 1], [&](Index row, Index rows) {
        for (Index r = 0; r < rows; ++r) {
          const Index tap = (first + row + r) / g.c, c = (first + row + r) % g.c;
          t.x[r] = planes + c * f.x_plane + f.x_begin + tap / g.kw * f.x_row + tap % g.kw;
        }
        t.sums = sums + (row * out + o) * kLanes;
        kTiles[some - 1].sum[rows - 1](t);
      });
    });
  }
  dweight += first * out;
  for (Index i = 0; i < count; i += kLanes) {
    Vec z[kLanes];
#pragma GCC unroll 16
    for (int v = 0; v < kLanes; ++v) z[v] = load(sums + (i + v) * kLanes);
    const Index some = smaller(kLanes, count - i);
    const Vec sum = sum_each(z);
    store_part(dweight + i, accumulate ? load_part(dweight + i, some) + sum : sum, some);
  }
}

}  // namespace firn::FIRN_ISA_SPACE
