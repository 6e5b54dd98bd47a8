// Convolutions with one channel a group, vectorised over the channels.
#pragma once

#include "engine/kernels/conv.h"
#include "engine/kernels/simd/micro_kernel.h"
#include "engine/kernels/simd/window.h"

namespace firn::FIRN_ISA_SPACE {

constexpr bool is_depthwise(const ConvGeometry& g) {
  return g.groups > 1 && g.groups == g.c && g.oc == g.c;
}

static inline void depthwise_forward(const ConvGeometry& g, Index n, const float* x, const float* weight,
                                     const Epilogue& e, float* y) {
  for (Index row = 0; row < n * g.oh; ++row) {
    const Index top = row % g.oh * g.stride_h - g.pad_h;
    const Range as = taps_inside(top, g.kh, g.h);
    const float* const image = x + row / g.oh * g.h * g.w * g.c;
    for (Index j = 0; j < g.ow; ++j) {
      const Index left = j * g.stride_w - g.pad_w, at = (row * g.ow + j) * g.c;
      const Range bs = taps_inside(left, g.kw, g.w);
      for_each_vector(g.c, [&](Index c, Index count, const auto& load_at) {
        Vec z{};
        for (Index a = as.first; a < as.last; ++a) {
          for (Index b = bs.first; b < bs.last; ++b) {
            z += load_at(image + ((top + a) * g.w + left + b) * g.c + c) *
                 load_at(weight + (a * g.kw + b) * g.c + c);
          }
        }
        if (e.scale != nullptr) z *= load_at(e.scale + c);
        if (e.shift != nullptr) z += load_at(e.shift + c);
        if (e.residual != nullptr) z += load_at(e.residual + at + c);
        if (e.activation == Activation::relu) z = max(Vec{}, z);
        if (e.activation == Activation::leaky_relu) z = z > Vec{} ? z : e.slope * z;
        store_part(y + at + c, z, count);
      });
    }
  }
}

static inline void depthwise_dx(const ConvGeometry& g, Index n, const float* dy, const float* weight,
                                float* dx) {
  for (Index row = 0; row < n * g.h; ++row) {
    const Index i = row % g.h;
    const Range us = outputs_of_input(i, g.kh, g.oh, g.stride_h, g.pad_h);
    const float* const image = dy + row / g.h * g.oh * g.ow * g.c;
    for (Index j = 0; j < g.w; ++j) {
      const Range vs = outputs_of_input(j, g.kw, g.ow, g.stride_w, g.pad_w);
      for_each_vector(g.c, [&](Index c, Index count, const auto& load_at) {
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

/// The taps [first, last) of dweight; image after image, which stays in the cache meanwhile.
static inline void depthwise_dw(const ConvGeometry& g, Index n, const float* x, const float* dy,
                                float* dweight, bool accumulate, Index first, Index last) {
  if (!accumulate) zero_floats((last - first) * g.c, dweight + first * g.c);
  for (Index image = 0; image < n; ++image, x += g.h * g.w * g.c, dy += g.oh * g.ow * g.c) {
    for (Index tap = first; tap < last; ++tap) {
      const Index a = tap / g.kw, b = tap % g.kw, step = g.stride_w * g.c;
      const Range is = outputs_of_tap(a, g.h, g.oh, g.stride_h, g.pad_h);
      const Range js = outputs_of_tap(b, g.w, g.ow, g.stride_w, g.pad_w);
      for_each_vector(g.c, [&](Index c, Index count, const auto& load_at) {
        Vec even{}, odd{};
        for (Index i = is.first; i < is.last; ++i) {
          const float* const from = x + ((i * g.stride_h - g.pad_h + a) * g.w - g.pad_w + b) * g.c + c;
          const float* const by = dy + i * g.ow * g.c + c;
          Index j = js.first;
          for (; j + 1 < js.last; j += 2) {
            even += load_at(from + j * step) * load_at(by + j * g.c);
            odd += load_at(from + (j + 1) * step) * load_at(by + (j + 1) * g.c);
          }
          if (j < js.last) even += load_at(from + j * step) * load_at(by + j * g.c);
        }
        float* const to = dweight + tap * g.c + c;
        store_part(to, load_at(to) + (even + odd), count);
      });
    }
  }
}

}  // namespace firn::FIRN_ISA_SPACE
