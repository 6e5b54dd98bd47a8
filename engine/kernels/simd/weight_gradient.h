// The weight gradient of a convolution. dweight's rows of one kernel row (with groups: of one tap) lie as the
// channels of x do, so that they are the rows of a product over pixels with x read across.
#pragma once

#include "engine/kernels/simd/border.h"
#include "engine/kernels/simd/depthwise.h"
#include "engine/kernels/simd/micro_kernel.h"

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
  if (is_depthwise(g)) return g.kh * g.kw;
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

/// The weight gradient's scratch behind the bordered images: a block's last panel of dy, where its columns
/// are no whole vectors, and a unit's channels of a block of x.
struct DwScratch {
  Index tail_count, gathered_count;
  float *tail, *gathered;
};

constexpr DwScratch dw_parts(const ConvGeometry& g, float* begin) {
  const Index pixels = block_images(g) * block_rows(g) * g.ow;
  const Index tail = g.oc / g.groups % kLanes != 0 ? pixels * kPanel : 0;
  return {tail, dw_gathers(g) ? pixels * kUnitRows : 0, begin, begin + tail};
}

constexpr Index dw_scratch(const ConvGeometry& g, Index n) {
  if (is_depthwise(g) || g.oh * g.ow == 0) return 0;
  const ConvGeometry flat = flattened(g);
  const DwScratch parts = dw_parts(flat, nullptr);
  return border_scratch(input_border(flat), n) + parts.tail_count + parts.gathered_count;
}

/// A block of output pixels, the bordered input above its first one, and dy there.
struct PixelBlock {
  const float* x;
  const float* dy;
  Index images, rows;
};

/// Copies `count` channels from each output pixel's place in x: rows of kUnitRows.
static inline void gather_block(const ConvGeometry& g, const Border& border, const PixelBlock& block,
                                const float* x, Index count, float* to) {
  for (Index image = 0; image < block.images; ++image) {
    for (Index row = 0; row < block.rows; ++row) {
      const float* from = x + image * border.image_stride() + row * g.stride_h * border.row_stride();
      for (Index j = 0; j < g.ow; ++j) {
        copy_floats(count, from + j * g.stride_w * g.c, to);
        to += kUnitRows;
      }
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
      const float* x = block.x + row0;
      if (g.groups == 1) {
        x += segment * border.row_stride();
      } else {
        x += segment / g.kw * border.row_stride() + segment % g.kw * g.c + group * in;
      }
      if (dw_gathers(g)) {
        gather_block(g, border, block, x, count, scratch.gathered);
        x = scratch.gathered;
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
  const Border border = input_border(g);
  const Index together = images_at_once(border, n), images = block_images(g), rows = block_rows(g);
  const DwScratch parts = dw_parts(g, scratch + border_scratch(border, n));
  bool add = accumulate;
  for (Index begin = 0; begin < n; begin += together) {
    const Index end = smaller(n, begin + together);
    const float* const bordered = with_border(border, end - begin, x + begin * g.h * g.w * g.c, scratch);
    for (Index image = begin; image < end; image += images) {
      for (Index row = 0; row < g.oh; row += rows) {
        const PixelBlock block{
            bordered + (image - begin) * border.image_stride() + row * g.stride_h * border.row_stride(),
            dy + (image * g.oh + row) * g.ow * g.oc, smaller(images, end - image), smaller(rows, g.oh - row)};
        add_block(g, border, block, dweight, add, first, last, parts);
        add = true;
      }
    }
  }
}

}  // namespace firn::FIRN_ISA_SPACE
