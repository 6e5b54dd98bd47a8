// The weight gradient of a convolution. dweight's rows of one kernel row (with groups: of one tap) lie as the
// channels of x do, so that they are the rows of a product over pixels with x read across.
#pragma once

#include "engine/kernels/simd/border.h"
#include "engine/kernels/simd/depthwise.h"
#include "engine/kernels/simd/micro_kernel.h"
#include "engine/kernels/simd/planar.h"

namespace firn::FIRN_ISA_SPACE {

/// Pixels of dy that a panel of the weight gradient goes over at once: they stay in the first-level cache.
inline constexpr Index kBlockPixels = 256;
/// Rows of dweight in a unit.
inline constexpr Index kUnitRows = 64;

/// How dweight's rows fall into units.
struct WeightRows {
  Index segments, run;  ///< dweight has segments * run rows
  Index blocks;         ///< units of a segment
};

constexpr WeightRows weight_rows(const ConvGeometry& g) {
  if (dw_prefers_planes(g)) {
    const Index run = g.kh * g.kw * g.c;
    return {1, run, larger(1, (run + kUnitRows - 1) / kUnitRows)};
  }
  const Index segments = g.groups == 1 ? g.kh : g.kh * g.kw;
  const Index run = g.groups == 1 ? g.kw * g.c : g.c / g.groups;
  return {segments, run, larger(1, (run + kUnitRows - 1) / kUnitRows)};
}

/// A 1x1 convolution sees no rows: an image is one long row unless that is too long for a block.
constexpr ConvGeometry flattened(const ConvGeometry& g) {
  ConvGeometry flat = g;
  if (is_pointwise(g) && g.h * g.w <= kBlockPixels) {
    flat.w = flat.ow = g.h * g.w;
    flat.h = flat.oh = 1;
  }
  return flat;
}

constexpr Index dw_units(const ConvGeometry& g) {
  if (is_depthwise(g)) return g.kh;
  const WeightRows rows = weight_rows(g);
  return rows.segments * rows.blocks;
}

/// Images, or rows of one image, that a block of the weight gradient goes over.
constexpr Index block_images(const ConvGeometry& g) {
  return larger(1, kBlockPixels / (g.oh * g.ow));
}
constexpr Index block_rows(const ConvGeometry& g) {
  return smaller(g.oh, larger(1, kBlockPixels / g.ow));
}

/// True where x is better copied pixel by pixel than read across row by row: the rows of dy are short, and
/// there are outputs enough to pay for the copy.
constexpr bool dw_gathers(const ConvGeometry& g) {
  return g.groups == 1 && g.oh > 1 && g.oc >= 8 * larger(8, g.ow);
}

/// The weight gradient's scratch: bordered images, or a unit's channels of a block of x; and a block's last
/// panel of dy, where its columns are no whole vectors.
struct DwScratch {
  Index x_count, tail_count;
  float *x, *tail;
};

constexpr DwScratch dw_parts(const ConvGeometry& g, Index n, float* begin) {
  const Index pixels = block_images(g) * block_rows(g) * g.ow;
  const Index x = dw_gathers(g) ? pixels * kUnitRows : border_scratch(input_border(g), n);
  return {x, g.oc / g.groups % kLanes != 0 ? pixels * kPanel : 0, begin, begin + x};
}

constexpr Index dw_scratch(const ConvGeometry& g, Index n) {
  if (is_depthwise(g) || g.oh * g.ow == 0) return 0;
  if (dw_prefers_planes(g)) return planar_dw_scratch(g);
  const DwScratch parts = dw_parts(flattened(g), n, nullptr);
  return parts.x_count + parts.tail_count;
}

/// A block of output pixels: whole images, or `rows` rows from `row` on of one. x is with its border, unless
/// gathered.
struct PixelBlock {
  const float* x;   ///< of the first image
  const float* dy;  ///< of the first pixel
  Index images, row, rows;
};

/// What each output pixel reads of x in kernel row a, elements [first, first + count) of its kw*c: rows of
/// kUnitRows.
static inline void gather_block(const ConvGeometry& g, const PixelBlock& block, Index a, Index first,
                                Index count, float* to) {
  const Index line = g.w * g.c;
  for (Index i = 0; i < block.images * block.rows; ++i) {
    const Index row = (block.row + i % block.rows) * g.stride_h - g.pad_h + a;
    const float* const from = block.x + (i / block.rows * g.h + row) * line;
    for (Index j = 0; j < g.ow; ++j, to += kUnitRows) {
      const Index start = (j * g.stride_w - g.pad_w) * g.c + first;
      const Range inside = row < 0 || row >= g.h ? Range{count, count} : taps_inside(start, count, line);
      if (inside.first >= inside.last) {
        zero_floats(count, to);
        continue;
      }
      zero_floats(inside.first, to);
      copy_floats(inside.last - inside.first, from + start + inside.first, to + inside.first);
      zero_floats(count - inside.last, to + inside.last);
    }
  }
}

/// Adds one block's part to the units [first, last) of dweight, or begins them with it.
static inline void add_block(const ConvGeometry& g, const Border& border, const PixelBlock& block,
                             float* dweight, bool accumulate, Index first, Index last,
                             const DwScratch& scratch) {
  const WeightRows rows = weight_rows(g);
  const Index in = g.c / g.groups, out = g.oc / g.groups, pixels = block.images * block.rows * g.ow;
  const Index whole = out / kLanes * kLanes, tail_panel = whole / kPanel * kPanel;
  Tile t{};
  t.ams = 1;
  t.ldc = g.oc;
  t.accumulate = accumulate;
  if (dw_gathers(g)) {
    t.aks = kUnitRows;
    t.k = pixels;
    t.inner = t.outer = 1;
  } else {
    t.aks = g.stride_w * g.c;
    t.k = g.ow;
    t.inner = block.rows;
    t.inner_stride = g.stride_h * border.row_stride();
    t.outer = block.images;
    t.outer_stride = border.image_stride();
  }
  for (Index group = 0; group < g.groups; ++group) {
    const float* const dy = block.dy + group * out;
    if (whole < out) pack_rows(pixels, 0, pixels, out - tail_panel, dy + tail_panel, g.oc, 1, scratch.tail);
    for (Index unit = first; unit < last; ++unit) {
      const Index segment = unit / rows.blocks, row0 = unit % rows.blocks * kUnitRows;
      const Index count = smaller(kUnitRows, rows.run - row0);
      const float* x = scratch.x;
      if (dw_gathers(g)) {
        gather_block(g, block, segment, row0, count, scratch.x);
      } else if (g.groups == 1) {
        x = block.x + (block.row * g.stride_h + segment) * border.row_stride() + row0;
      } else {
        x = block.x + (block.row * g.stride_h + segment / g.kw) * border.row_stride() + segment % g.kw * g.c +
            group * in + row0;
      }
      float* const to = dweight + (segment * rows.run + row0) * g.oc + group * out;
      for (Index j = 0; j < out; j += kPanel) {
        const bool in_tail = whole < out && j == tail_panel;
        t.columns = smaller(out - j, kPanel);
        t.b = in_tail ? scratch.tail : dy + j;
        t.ldb = in_tail ? panel_vectors(t.columns) * kLanes : g.oc;
        for_each_tile(count, kRows[panel_vectors(t.columns) - 1], [&](Index m, Index tile_rows) {
          t.a = x + m;
          t.c = to + m * g.oc + j;
          run_tile(tile_rows, t);
        });
      }
    }
  }
}

static inline void dw(const ConvGeometry& geometry, Index n, const real* x, const real* dy, real* dweight,
                      bool accumulate, Index first, Index last, real* scratch) {
  if (is_depthwise(geometry)) {
    return depthwise_dw(geometry, n, x, dy, dweight, accumulate, first, last);
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
  if (dw_prefers_planes(g)) {
    const Index rows = weight_rows(g).run;
    return planar_dw(g, n, x, dy, dweight, accumulate, smaller(rows, first * kUnitRows),
                     smaller(rows, last * kUnitRows), scratch);
  }
  const Border border = input_border(g);
  const Index together = dw_gathers(g) ? n : images_at_once(border, n);
  const Index images = block_images(g), rows = block_rows(g);
  const DwScratch parts = dw_parts(g, n, scratch);
  bool add = accumulate;
  for (Index begin = 0; begin < n; begin += together) {
    const Index end = smaller(n, begin + together), x_image = g.h * g.w * g.c;
    const float* source = x + begin * x_image;
    if (!dw_gathers(g)) source = with_border(border, end - begin, source, parts.x);
    const Index source_image = dw_gathers(g) ? x_image : border.image_stride();
    for (Index image = begin; image < end; image += images) {
      for (Index row = 0; row < g.oh; row += rows) {
        const PixelBlock block{source + (image - begin) * source_image,
                               dy + (image * g.oh + row) * g.ow * g.oc, smaller(images, end - image), row,
                               smaller(rows, g.oh - row)};
        add_block(g, border, block, dweight, add, first, last, parts);
        add = true;
      }
    }
  }
}

}  // namespace firn::FIRN_ISA_SPACE
