#include "engine/kernels/conv.h"

#include "engine/kernels/simd/border.h"
#include "engine/kernels/simd/depthwise.h"
#include "engine/kernels/simd/planar.h"
#include "engine/kernels/simd/sweep.h"
#include "engine/kernels/simd/weight_gradient.h"

namespace firn::FIRN_ISA_SPACE {

namespace {

Index weight_elements(const ConvGeometry& g) {
  return g.kh * g.kw * (g.c / g.groups) * g.oc;
}

void multiply_pixels(Index m, Index k, Index n, const float* a, const float* packed, const Epilogue& epilogue,
                     float* c) {
  Gemm call{};
  call.m = m;
  call.n = n;
  call.k = k;
  call.a = a;
  call.ams = k;
  call.aks = 1;
  call.b = packed;
  call.c = c;
  call.ldc = n;
  call.epilogue = epilogue;
  gemm.product(call);
}

// Packing.

Index packed_count(const ConvGeometry& g) {
  if (is_depthwise(g)) return weight_elements(g);
  return g.groups * packed_elements(g.kh * g.kw * (g.c / g.groups), g.oc / g.groups);
}

void pack(const ConvGeometry& g, const real* weight, real* packed) {
  if (is_depthwise(g)) return copy_floats(weight_elements(g), weight, packed);
  const Index depth = g.kh * g.kw * (g.c / g.groups), out = g.oc / g.groups;
  for (Index group = 0; group < g.groups; ++group) {
    pack_rows(depth, 0, depth, out, weight + group * out, g.oc, 1,
              packed + group * packed_elements(depth, out));
  }
}

/// Along one axis, the inputs i with (i + pad) % stride = r: they see the taps r, r + stride, ... and, with
/// the taps in descending order, outputs from `source` on. Input number q of them is `first` + q*stride.
struct Phase {
  Index r, taps, first, count, source;
};

Phase phase(Index size, Index k, Index stride, Index pad, Index r) {
  const Index taps = r < k ? (k - 1 - r) / stride + 1 : 0, u = divide_up(pad - r, stride);
  const Index first = u * stride + r - pad;
  return {r, taps, first, first < size ? (size - 1 - first) / stride + 1 : 0, u - (taps - 1)};
}

/// The border that dy needs along one axis: rows before it, and rows in all.
Range border_of_phases(Index size, Index k, Index stride, Index pad) {
  Index before = 0, end = 0;
  for (Index r = 0; r < smaller(stride, k); ++r) {
    const Phase p = phase(size, k, stride, pad, r);
    if (p.count == 0) continue;
    before = larger(before, -p.source);
    end = larger(end, p.source + p.taps - 1 + p.count);
  }
  return {before, before + end};
}

Border gradient_border(const ConvGeometry& g) {
  const Range rows = border_of_phases(g.h, g.kh, g.stride_h, g.pad_h);
  const Range columns = border_of_phases(g.w, g.kw, g.stride_w, g.pad_w);
  return {g.oh, g.ow, g.oc, rows.first, columns.first, rows.last, columns.last};
}

/// Calls f(row phase, column phase, where its packed weight begins).
template <class F>
Index for_each_phase(const ConvGeometry& g, const F& f) {
  Index at = 0;
  for (Index r = 0; r < g.stride_h; ++r) {
    const Phase rows = phase(g.h, g.kh, g.stride_h, g.pad_h, r);
    for (Index q = 0; q < g.stride_w; ++q) {
      const Phase columns = phase(g.w, g.kw, g.stride_w, g.pad_w, q);
      f(rows, columns, at);
      at += g.groups * packed_elements(rows.taps * columns.taps * (g.oc / g.groups), g.c / g.groups);
    }
  }
  return at;
}

Index packed_dx_count(const ConvGeometry& g) {
  if (is_depthwise(g)) return weight_elements(g);
  return for_each_phase(g, [](const Phase&, const Phase&, Index) {});
}

void pack_dx(const ConvGeometry& g, const real* weight, real* packed) {
  if (is_depthwise(g)) return copy_floats(weight_elements(g), weight, packed);
  const Index in = g.c / g.groups, out = g.oc / g.groups;
  for_each_phase(g, [&](const Phase& rows, const Phase& columns, Index at) {
    const Index taps = rows.taps * columns.taps, depth = taps * out;
    for (Index group = 0; group < g.groups; ++group) {
      for (Index tap = 0; tap < taps; ++tap) {
        const Index a = rows.r + g.stride_h * (rows.taps - 1 - tap / columns.taps);
        const Index b = columns.r + g.stride_w * (columns.taps - 1 - tap % columns.taps);
        pack_rows(depth, tap * out, out, in, weight + (a * g.kw + b) * in * g.oc + group * out, 1, g.oc,
                  packed + at + group * packed_elements(depth, in));
      }
    }
  });
}

// Forward.

PlanarConv planar_forward(const ConvGeometry& g) {
  PlanarConv p{};
  p.border = input_border(g);
  p.kh = g.kh;
  p.kw = g.kw;
  p.out = g.oc;
  p.stride_h = g.stride_h;
  p.y_pixel = g.oc;
  p.y_row = g.ow * g.oc;
  p.y_image = g.oh * g.ow * g.oc;
  p.oh = g.oh;
  p.ow = g.ow;
  return p;
}

bool forward_is_planar(const ConvGeometry& g) {
  return g.groups == 1 && g.stride_w == 1 && prefers_planes(planar_forward(g));
}

Index forward_scratch(const ConvGeometry& g, Index n) {
  if (is_depthwise(g) || is_pointwise(g) || g.oh * g.ow == 0) return 0;
  if (forward_is_planar(g)) return planar_forward(g).scratch();
  const Index gathered = gathers(g.ow, g.oc, g.groups) ? kGatherRows * g.kh * g.kw * g.c : 0;
  return border_scratch(input_border(g), n) + gathered;
}

void forward(const ConvGeometry& g, Index n, const real* x, const real* packed, const Epilogue& epilogue,
             real* y, real* scratch) {
  const Index y_image = g.oh * g.ow * g.oc;
  if (n * y_image == 0) return;
  if (is_pointwise(g)) return multiply_pixels(n * g.h * g.w, g.c, g.oc, x, packed, epilogue, y);
  if (is_depthwise(g)) {
    depthwise_forward(g, n, x, packed, epilogue, y);
    return activate_rows(epilogue, n * g.oh * g.ow, g.oc, y, g.oc);
  }
  if (forward_is_planar(g)) {
    PlanarConv p = planar_forward(g);
    p.packed = packed;
    convolve_planes(p, n, x, epilogue, y, scratch);
    return activate_rows(epilogue, n * g.oh * g.ow, g.oc, y, g.oc);
  }
  const Border border = input_border(g);
  const Index together = images_at_once(border, n);
  for (Index first = 0; first < n; first += together) {
    const Index images = smaller(together, n - first);
    Sweep s{};
    s.x = with_border(border, images, x + first * g.h * g.w * g.c, scratch);
    s.x_pixel = g.c;
    s.x_row = border.row_stride();
    s.x_image = border.image_stride();
    s.stride_h = g.stride_h;
    s.stride_w = g.stride_w;
    s.kh = g.kh;
    s.kw = g.kw;
    s.groups = g.groups;
    s.in = g.c / g.groups;
    s.out = g.oc / g.groups;
    s.packed = packed;
    s.y = y + first * y_image;
    s.y_pixel = g.oc;
    s.y_row = g.ow * g.oc;
    s.y_image = y_image;
    s.oh = g.oh;
    s.ow = g.ow;
    const Epilogue e = epilogue_at(epilogue, first * y_image, 0);
    if (gathers(g.ow, g.oc, g.groups)) {
      sweep_gathered(s, images, e, scratch + border_scratch(border, n));
    } else {
      sweep_rows(s, images, e);
      activate_rows(e, images * g.oh * g.ow, g.oc, s.y, g.oc);
    }
  }
}

// Input gradient: every phase is a convolution of stride 1 over dy.

bool dx_gathers(const ConvGeometry& g) {
  return g.stride_h == 1 && g.stride_w == 1 && gathers(g.w, g.c, g.groups);
}

PlanarConv planar_dx(const ConvGeometry& g) {
  const Phase rows = phase(g.h, g.kh, 1, g.pad_h, 0), columns = phase(g.w, g.kw, 1, g.pad_w, 0);
  PlanarConv p{};
  p.border = gradient_border(g);
  p.top = p.border.top + rows.source;
  p.left = p.border.left + columns.source;
  p.kh = g.kh;
  p.kw = g.kw;
  p.out = g.c;
  p.stride_h = 1;
  p.y_pixel = g.c;
  p.y_row = g.w * g.c;
  p.y_image = g.h * g.w * g.c;
  p.oh = g.h;
  p.ow = g.w;
  return p;
}

bool dx_is_planar(const ConvGeometry& g) {
  return g.groups == 1 && g.stride_h == 1 && g.stride_w == 1 && prefers_planes(planar_dx(g));
}

Index dx_scratch(const ConvGeometry& g, Index n) {
  if (is_depthwise(g) || is_pointwise(g)) return 0;
  if (dx_is_planar(g)) return planar_dx(g).scratch();
  return border_scratch(gradient_border(g), n) + (dx_gathers(g) ? kGatherRows * g.kh * g.kw * g.oc : 0);
}

void dx(const ConvGeometry& g, Index n, const real* dy, const real* packed_dx, real* dx, real* scratch) {
  const Index x_image = g.h * g.w * g.c;
  if (n * x_image == 0) return;
  if (is_pointwise(g)) return multiply_pixels(n * g.h * g.w, g.oc, g.c, dy, packed_dx, {}, dx);
  if (is_depthwise(g)) return depthwise_dx(g, n, dy, packed_dx, dx);
  if (dx_is_planar(g)) {
    PlanarConv p = planar_dx(g);
    p.packed = packed_dx;
    return convolve_planes(p, n, dy, {}, dx, scratch);
  }
  const Border border = gradient_border(g);
  const Index together = images_at_once(border, n);
  for (Index first = 0; first < n; first += together) {
    const Index images = smaller(together, n - first);
    const float* const source = with_border(border, images, dy + first * g.oh * g.ow * g.oc, scratch);
    for_each_phase(g, [&](const Phase& rows, const Phase& columns, Index at) {
      Sweep s{};
      s.x_pixel = g.oc;
      s.x_row = border.row_stride();
      s.x_image = border.image_stride();
      s.x = source + (border.top + rows.source) * s.x_row + (border.left + columns.source) * g.oc;
      s.stride_h = s.stride_w = 1;
      s.kh = rows.taps;
      s.kw = columns.taps;
      s.groups = g.groups;
      s.in = g.oc / g.groups;
      s.out = g.c / g.groups;
      s.packed = packed_dx + at;
      s.y = dx + first * x_image + (rows.first * g.w + columns.first) * g.c;
      s.y_pixel = g.stride_w * g.c;
      s.y_row = g.stride_h * g.w * g.c;
      s.y_image = x_image;
      s.oh = rows.count;
      s.ow = columns.count;
      if (dx_gathers(g)) {
        sweep_gathered(s, images, {}, scratch + border_scratch(border, n));
      } else {
        sweep_rows(s, images, {});
      }
    });
  }
}

}  // namespace

extern const ConvKernels conv;
const ConvKernels conv{packed_count, pack,     packed_dx_count, pack_dx, forward_scratch, forward, dx_scratch,
                       dx,           dw_units, dw_scratch,      dw};

}  // namespace firn::FIRN_ISA_SPACE
