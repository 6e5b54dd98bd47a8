// Convolutions with one channel a group, vectorised over the channels.
#pragma once

#include <utility>

#include "engine/kernels/conv.h"
#include "engine/kernels/simd/border.h"
#include "engine/kernels/simd/micro_kernel.h"
#include "engine/kernels/simd/window.h"

namespace firn::FIRN_ISA_SPACE {

constexpr bool is_depthwise(const ConvGeometry& g) {
  return g.groups > 1 && g.groups == g.c && g.oc == g.c;
}

/// y[i,j] = sum x[i*stride_h - pad_h + a, j*stride_w - pad_w + b] * weight[a*weight_row + b*weight_tap],
/// channel by channel; paddings may be negative. The input gradient of stride 1 is such a pass over dy, with
/// the weight read backwards.
struct DepthwisePass {
  Index h, w, c, kh, kw, stride_h, stride_w, pad_h, pad_w, oh, ow;
  const float* weight;
  Index weight_row, weight_tap;
};

/// Pixels of a row that are computed together: each weight that is loaded meets so many.
inline constexpr int kDepthwisePixels = 8;

/// The epilogue is that of a tile: late activations are left out.
template <int J, class Load>
__attribute__((always_inline)) static inline void depthwise_tile(const DepthwisePass& p, const float* x,
                                                                 Range as, Range bs, const float* weight,
                                                                 const Load& load_at, Index count,
                                                                 const Epilogue& e, float* y) {
  Vec z[J] = {};
  const Index step = p.stride_w * p.c;
  for (Index a = as.first; a < as.last; ++a) {
    for (Index b = bs.first; b < bs.last; ++b) {
      const Vec w = load_at(weight + a * p.weight_row + b * p.weight_tap);
      const float* const from = x + (a * p.w + b) * p.c;
#pragma GCC unroll 8
      for (int j = 0; j < J; ++j) z[j] += load_at(from + j * step) * w;
    }
  }
  const auto each = [&](const auto& f) __attribute__((always_inline)) {
#pragma GCC unroll 8
    for (int j = 0; j < J; ++j) z[j] = f(z[j], j * p.c);
  };
  if (e.scale != nullptr) each([s = load_at(e.scale)](Vec v, Index) { return v * s; });
  if (e.shift != nullptr) each([s = load_at(e.shift)](Vec v, Index) { return v + s; });
  if (e.residual != nullptr) each([&](Vec v, Index at) { return v + load_at(e.residual + at); });
  if (e.activation == Activation::relu) each([](Vec v, Index) { return max(Vec{}, v); });
  if (e.activation == Activation::leaky_relu) each([&](Vec v, Index) { return v > Vec{} ? v : e.slope * v; });
  each([&](Vec v, Index at) {
    store_part(y + at, v, count);
    return v;
  });
}

/// Calls f(std::integral_constant<int, n>) for 1 <= n <= most.
template <int most, class F>
__attribute__((always_inline)) static inline void with_number(Index n, const F& f) {
  if constexpr (most > 1) {
    if (n < most) return with_number<most - 1>(n, f);
  }
  f(std::integral_constant<int, most>{});
}

static inline void depthwise_pass(const DepthwisePass& p, Index n, const float* x, const Epilogue& epilogue,
                                  float* y) {
  // Columns whose windows lie inside of the image.
  const Index begin = smaller(p.ow, divide_up(p.pad_w, p.stride_w)), room = p.w - p.kw + p.pad_w;
  const Index end = larger(begin, room < 0 ? 0 : smaller(p.ow, room / p.stride_w + 1));
  for (Index row = 0; row < n * p.oh; ++row) {
    const Index top = row % p.oh * p.stride_h - p.pad_h;
    const Range as = taps_inside(top, p.kh, p.h);
    const float* const line = x + (row / p.oh * p.h + top) * p.w * p.c;
    for_channels(p.c, [&](Index c, Index count, const auto& load_at) {
      const auto tile = [&](auto pixels, Index j, Range bs) {
        const Index at = (row * p.ow + j) * p.c + c;
        depthwise_tile<decltype(pixels)::value>(p, line + (j * p.stride_w - p.pad_w) * p.c + c, as, bs,
                                                p.weight + c, load_at, count, epilogue_at(epilogue, at, c),
                                                y + at);
      };
      const auto edge = [&](Index first, Index last) {
        for (Index j = first; j < last; ++j) {
          tile(std::integral_constant<int, 1>{}, j, taps_inside(j * p.stride_w - p.pad_w, p.kw, p.w));
        }
      };
      edge(0, begin);
      for_each_tile(end - begin, kDepthwisePixels, [&](Index first, Index pixels) {
        with_number<kDepthwisePixels>(pixels, [&](auto number) { tile(number, begin + first, {0, p.kw}); });
      });
      edge(end, p.ow);
    });
  }
}

static inline void depthwise_forward(const ConvGeometry& g, Index n, const float* x, const float* weight,
                                     const Epilogue& e, float* y) {
  depthwise_pass({g.h, g.w, g.c, g.kh, g.kw, g.stride_h, g.stride_w, g.pad_h, g.pad_w, g.oh, g.ow, weight,
                  g.kw * g.c, g.c},
                 n, x, e, y);
}

static inline void depthwise_dx(const ConvGeometry& g, Index n, const float* dy, const float* weight,
                                float* dx) {
  if (g.stride_h == 1 && g.stride_w == 1) {
    return depthwise_pass({g.oh, g.ow, g.c, g.kh, g.kw, 1, 1, g.kh - 1 - g.pad_h, g.kw - 1 - g.pad_w, g.h,
                           g.w, weight + (g.kh * g.kw - 1) * g.c, -g.kw * g.c, -g.c},
                          n, dy, {}, dx);
  }
  for (Index row = 0; row < n * g.h; ++row) {
    const Index i = row % g.h;
    const Range us = outputs_of_input(i, g.kh, g.oh, g.stride_h, g.pad_h);
    const float* const image = dy + row / g.h * g.oh * g.ow * g.c;
    for (Index j = 0; j < g.w; ++j) {
      const Range vs = outputs_of_input(j, g.kw, g.ow, g.stride_w, g.pad_w);
      for_channels(g.c, [&](Index c, Index count, const auto& load_at) {
        Vec z{};
        for (Index u = us.first; u < us.last; ++u) {
          const Index a = i + g.pad_h - u * g.stride_h;
          for (Index v = vs.first; v < vs.last; ++v) {
            const Index b = j + g.pad_w - v * g.stride_w;
            z += load_at(image + (u * g.ow + v) * g.c + c) * load_at(weight + (a * g.kw + b) * g.c + c);
          }
        }
        store_part(dx + (row * g.w + j) * g.c + c, z, count);
      });
    }
  }
}

/// Taps whose gradients are summed together over a row of pixels: A kernel rows of B taps. x and dy begin at
/// the first pixel; `line` is the distance of x's rows, `tap` that of dweight's taps.
template <int A, int B, class Load>
__attribute__((always_inline)) static inline void depthwise_sums(Index pixels, const float* x, Index line,
                                                                 Index step, const float* dy, Index c,
                                                                 Index weight_row, Index tap,
                                                                 const Load& load_at, Index count,
                                                                 float* dweight) {
  Vec z[A][B];
#pragma GCC unroll 4
  for (int a = 0; a < A; ++a) {
#pragma GCC unroll 4
    for (int b = 0; b < B; ++b) z[a][b] = load_at(dweight + a * weight_row + b * tap);
  }
  for (Index j = 0; j < pixels; ++j, x += step, dy += c) {
    const Vec d = load_at(dy);
#pragma GCC unroll 4
    for (int a = 0; a < A; ++a) {
#pragma GCC unroll 4
      for (int b = 0; b < B; ++b) z[a][b] += load_at(x + a * line + b * c) * d;
    }
  }
#pragma GCC unroll 4
  for (int a = 0; a < A; ++a) {
#pragma GCC unroll 4
    for (int b = 0; b < B; ++b) store_part(dweight + a * weight_row + b * tap, z[a][b], count);
  }
}

/// Calls f(channel, its column of dweight, how many, load) for vectors of the channels that are wanted.
template <class F>
static inline void for_each_live_vector(const ConvGeometry& g, const F& f) {
  Index column = 0;
  for_each_live_range(g, 0, g.oc, [&](Index first, Index count) {
    for_channels(count,
                 [&](Index c, Index some, const auto& load_at) { f(first + c, column + c, some, load_at); });
    column += count;
  });
}

/// The kernel rows [first, last) of dweight; row after row of an image, which stay in the cache meanwhile.
static inline void depthwise_dw(const ConvGeometry& g, Index n, const float* x, const float* dy,
                                float* dweight, bool accumulate, Index first, Index last) {
  constexpr int kRowsTogether = 3, kTapsTogether = 4;
  const Index trains = trainable_outputs(g), weight_row = g.kw * trains, line = g.w * g.c,
              step = g.stride_w * g.c;
  if (!accumulate) zero_floats((last - first) * weight_row, dweight + first * weight_row);
  // Columns that meet the image with every tap; the others are gone over tap by tap.
  Index begin = outputs_of_tap(0, g.w, g.ow, g.stride_w, g.pad_w).first;
  Index end = outputs_of_tap(g.kw - 1, g.w, g.ow, g.stride_w, g.pad_w).last;
  if (begin >= end) begin = end = 0;
  for (Index row = 0; row < n * g.oh; ++row) {
    const Index top = row % g.oh * g.stride_h - g.pad_h;
    const Range inside = taps_inside(top, g.kh, g.h),
                as{larger(first, inside.first), smaller(last, inside.last)};
    const float* const image_row = x + (row / g.oh * g.h + top) * line;
    const float* const dy_row = dy + row * g.ow * g.c;
    for_each_live_vector(g, [&](Index c, Index column, Index count, const auto& load_at) {
      const auto sums = [&](auto rows, auto taps, Index a, Index b, Index j0, Index j1) {
        depthwise_sums<decltype(rows)::value, decltype(taps)::value>(
            j1 - j0, image_row + a * line + (j0 * g.stride_w - g.pad_w + b) * g.c + c, line, step,
            dy_row + j0 * g.c + c, g.c, weight_row, trains, load_at, count,
            dweight + a * weight_row + b * trains + column);
      };
      for_each_tile(larger(0, as.last - as.first), kRowsTogether, [&](Index a, Index rows) {
        for_each_tile(g.kw, kTapsTogether, [&](Index b, Index taps) {
          with_number<kRowsTogether>(rows, [&](auto number_of_rows) {
            with_number<kTapsTogether>(taps, [&](auto number_of_taps) {
              sums(number_of_rows, number_of_taps, as.first + a, b, begin, end);
            });
          });
        });
        for (Index b = 0; b < g.kw; ++b) {
          const Range js = outputs_of_tap(b, g.w, g.ow, g.stride_w, g.pad_w);
          with_number<kRowsTogether>(rows, [&](auto number_of_rows) {
            constexpr std::integral_constant<int, 1> one;
            if (js.first < smaller(begin, js.last)) {
              sums(number_of_rows, one, as.first + a, b, js.first, smaller(begin, js.last));
            }
            if (larger(end, js.first) < js.last) {
              sums(number_of_rows, one, as.first + a, b, larger(end, js.first), js.last);
            }
          });
        }
      });
    });
  }
}

}  // namespace firn::FIRN_ISA_SPACE
