#include "engine/kernels/conv.h"

#include "engine/kernels/simd/border.h"
#include "engine/kernels/simd/depthwise.h"
#include "engine/kernels/simd/sweep.h"

namespace firn::FIRN_ISA_SPACE {

namespace {

/// Elements of images that are worked on together, so that they stay in the second-level cache.
constexpr Index kChunk = 128 * 1024;
/// Pixels of dy that a panel of the weight gradient goes over at once: they stay in the first-level cache.
constexpr Index kBlockPixels = 256;
/// Rows of dweight in a unit.
constexpr Index kUnitRows = 64;

Index weight_elements(const ConvGeometry& g) {
  return g.kh * g.kw * (g.c / g.groups) * g.oc;
}

/// A product of all pixels with one matrix.
bool is_pointwise(const ConvGeometry& g) {
  return g.kh == 1 && g.kw == 1 && g.stride_h == 1 && g.stride_w == 1 && g.pad_h == 0 && g.pad_w == 0 &&
         g.oh == g.h && g.ow == g.w && g.groups == 1;
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

Border input_border(const ConvGeometry& g) {
  return {g.h, g.w, g.c, g.pad_h, g.pad_w, (g.oh - 1) * g.stride_h + g.kh, (g.ow - 1) * g.stride_w + g.kw};
}

Index images_at_once(const Border& b, Index n) {
  return smaller(n, larger(1, kChunk / larger(1, b.image_stride())));
}

/// The border's elements for as many images as are worked on together, to whole cache lines.
Index border_scratch(const Border& b, Index n) {
  return (images_at_once(b, n) * b.elements() + 15) / 16 * 16;
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

Index forward_scratch(const ConvGeometry& g, Index n) {
  if (is_depthwise(g) || is_pointwise(g) || g.oh * g.ow == 0) return 0;
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

Index dx_scratch(const ConvGeometry& g, Index n) {
  if (is_depthwise(g) || is_pointwise(g)) return 0;
  return border_scratch(gradient_border(g), n) + (dx_gathers(g) ? kGatherRows * g.kh * g.kw * g.oc : 0);
}

void dx(const ConvGeometry& g, Index n, const real* dy, const real* packed_dx, real* dx, real* scratch) {
  const Index x_image = g.h * g.w * g.c;
  if (n * x_image == 0) return;
  if (is_pointwise(g)) return multiply_pixels(n * g.h * g.w, g.oc, g.c, dy, packed_dx, {}, dx);
  if (is_depthwise(g)) return depthwise_dx(g, n, dy, packed_dx, dx);
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

// Weight gradient: dweight's rows of one kernel row (with groups: of one tap) lie as the channels of x do, so
// that they are the rows of a product over pixels with x read across.

struct WeightRows {
  Index segments, run;  ///< dweight has segments * run rows
  Index blocks;         ///< units of a segment
};

WeightRows weight_rows(const ConvGeometry& g) {
  const Index segments = g.groups == 1 ? g.kh : g.kh * g.kw;
  const Index run = g.groups == 1 ? g.kw * g.c : g.c / g.groups;
  return {segments, run, larger(1, (run + kUnitRows - 1) / kUnitRows)};
}

/// A 1x1 convolution sees no rows: an image is one long row unless that is too long for a block.
ConvGeometry flattened(const ConvGeometry& g) {
  ConvGeometry flat = g;
  if (is_pointwise(g) && g.h * g.w <= kBlockPixels) {
    flat.w = flat.ow = g.h * g.w;
    flat.h = flat.oh = 1;
  }
  return flat;
}

Index dw_units(const ConvGeometry& g) {
  if (is_depthwise(g)) return g.kh * g.kw;
  const WeightRows rows = weight_rows(g);
  return rows.segments * rows.blocks;
}

/// Images, or rows of one image, that a block of the weight gradient goes over.
Index block_images(const ConvGeometry& g) {
  return larger(1, kBlockPixels / (g.oh * g.ow));
}
Index block_rows(const ConvGeometry& g) {
  return smaller(g.oh, larger(1, kBlockPixels / g.ow));
}

Index dw_scratch(const ConvGeometry& g, Index n) {
  if (is_depthwise(g) || g.oh * g.ow == 0) return 0;
  const ConvGeometry flat = flattened(g);
  const bool tail = g.oc / g.groups % kLanes != 0;
  return border_scratch(input_border(flat), n) +
         (tail ? block_images(flat) * block_rows(flat) * flat.ow * kPanel : 0);
}

/// A block of output pixels, the bordered input above its first one, and dy there.
struct PixelBlock {
  const float* x;
  const float* dy;
  Index images, rows;
};

void add_block(const ConvGeometry& g, const Border& border, const PixelBlock& block, float* dweight,
               bool accumulate, Index first, Index last, float* tail) {
  const WeightRows rows = weight_rows(g);
  const Index in = g.c / g.groups, out = g.oc / g.groups;
  Tile t{};
  t.ams = 1;
  t.aks = g.stride_w * g.c;
  t.k = g.ow;
  t.inner = block.rows;
  t.inner_stride = g.stride_h * border.row_stride();
  t.outer = block.images;
  t.outer_stride = border.image_stride();
  t.ldc = g.oc;
  t.accumulate = accumulate;
  for (Index group = 0; group < g.groups; ++group) {
    for (Index j = 0; j < out; j += kPanel) {
      t.columns = smaller(out - j, kPanel);
      const Index column = group * out + j, width = panel_vectors(t.columns) * kLanes;
      t.b = block.dy + column;
      t.ldb = g.oc;
      if (t.columns < width) {
        const Index pixels = block.images * block.rows * g.ow;
        pack_rows(pixels, 0, pixels, t.columns, t.b, g.oc, 1, tail);
        t.b = tail;
        t.ldb = width;
      }
      for (Index unit = first; unit < last; ++unit) {
        const Index segment = unit / rows.blocks, row0 = unit % rows.blocks * kUnitRows;
        const float* x = block.x;
        if (g.groups == 1) {
          x += segment * border.row_stride() + row0;
        } else {
          x += segment / g.kw * border.row_stride() + segment % g.kw * g.c + group * in + row0;
        }
        float* const to = dweight + (segment * rows.run + row0) * g.oc + column;
        for_each_tile(smaller(kUnitRows, rows.run - row0), kRows[panel_vectors(t.columns) - 1],
                      [&](Index m, Index count) {
                        t.a = x + m;
                        t.c = to + m * g.oc;
                        run_tile(count, t);
                      });
      }
    }
  }
}

void dw(const ConvGeometry& geometry, Index n, const real* x, const real* dy, real* dweight, bool accumulate,
        Index first, Index last, real* scratch) {
  if (is_depthwise(geometry)) {
    for (Index tap = first; tap < last; ++tap) depthwise_dw(geometry, n, x, dy, dweight, accumulate, tap);
    return;
  }
  const ConvGeometry g = flattened(geometry);
  if (n == 0 || g.oh * g.ow == 0) {
    if (accumulate) return;
    const WeightRows rows = weight_rows(g);
    for (Index unit = first; unit < last; ++unit) {
      const Index row0 = unit % rows.blocks * kUnitRows;
      zero_floats(smaller(kUnitRows, rows.run - row0) * g.oc,
                  dweight + (unit / rows.blocks * rows.run + row0) * g.oc);
    }
    return;
  }
  const Border border = input_border(g);
  const Index together = images_at_once(border, n), images = block_images(g), rows = block_rows(g);
  float* const tail = scratch + border_scratch(border, n);
  bool add = accumulate;
  for (Index begin = 0; begin < n; begin += together) {
    const Index end = smaller(n, begin + together);
    const float* const bordered = with_border(border, end - begin, x + begin * g.h * g.w * g.c, scratch);
    for (Index image = begin; image < end; image += images) {
      for (Index row = 0; row < g.oh; row += rows) {
        const PixelBlock block{
            bordered + (image - begin) * border.image_stride() + row * g.stride_h * border.row_stride(),
            dy + (image * g.oh + row) * g.ow * g.oc, smaller(images, end - image), smaller(rows, g.oh - row)};
        add_block(g, border, block, dweight, add, first, last, tail);
        add = true;
      }
    }
  }
}

}  // namespace

extern const ConvKernels conv;
const ConvKernels conv{packed_count, pack,     packed_dx_count, pack_dx, forward_scratch, forward, dx_scratch,
                       dx,           dw_units, dw_scratch,      dw};

}  // namespace firn::FIRN_ISA_SPACE
