// The weight gradient of a convolution. dweight's rows of one kernel row (with groups: of one tap) lie as the
// channels of x do, so that they are the rows of a product over pixels with x read across.
#pragma once

#include "engine/kernels/simd/border.h"
#include "engine/kernels/simd/depthwise.h"
#include "engine/kernels/simd/micro_kernel.h"
#include "engine/kernels/simd/planar.h"
#include "engine/kernels/simd/window_sums.h"

namespace firn::FIRN_ISA_SPACE {

/// Pixels of dy that a panel of the weight gradient goes over at once: they stay in the first-level cache.
inline constexpr Index kBlockPixels = 256;
/// Rows of dweight in a unit: whole vectors of every set, and tiles of all their rows.
inline constexpr Index kUnitRows = 112;

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
  return g.groups == 1 && g.oh > 1 && trainable_outputs(g) >= 8 * larger(8, g.ow);
}

/// Vectors of windows, lanes along x: of each segment as many as its rows fill.
constexpr Index window_vectors(const WeightRows& rows) {
  return (rows.run + kLanes - 1) / kLanes;
}
/// The row of its segment that a vector's first lane is. The last vector of a segment ends with it, and has
/// lanes in common with the one before: those below its number times kLanes are that one's.
constexpr Index first_row(const WeightRows& rows, Index vector) {
  return smaller(vector % window_vectors(rows) * kLanes, larger(0, rows.run - kLanes));
}
/// The first of them that belongs to a unit.
constexpr Index first_vector(const WeightRows& rows, Index unit) {
  return unit / rows.blocks * window_vectors(rows) + unit % rows.blocks * (kUnitRows / kLanes);
}

/// True where lanes along x's windows need fewer multiplications than lanes along the outputs: few are
/// wanted, and would leave vectors half empty. Fewer sums than keep the multipliers busy count as so many.
constexpr bool dw_along_windows(const ConvGeometry& g) {
  constexpr Index kBusy = 8;
  if (dw_prefers_planes(g) || dw_gathers(g)) return false;
  const WeightRows rows = weight_rows(g);
  // A vector may reach beyond its window, but not beyond x.
  if (rows.run < kLanes && input_border(g).none()) return false;
  const Index out = trainable_outputs(g) / g.groups;
  if (out == 0 || rows.run == 0) return false;
  const Index vectors = (out + kLanes - 1) / kLanes, windows = rows.segments * window_vectors(rows);
  const Index wide = smaller(vectors, kPanelVectors), tall = smaller(out, kMostColumns);
  const Index sums = smaller(rows.run, kRows[wide - 1]) * wide;
  const Index window_sums = tall * smaller(windows, kMost[tall - 1]);
  return out * windows * larger(kBusy, window_sums) * sums <=
         rows.segments * rows.run * vectors * larger(kBusy, sums) * window_sums;
}

/// The weight gradient's scratch: bordered images, or a unit's channels of a block of x; a block's columns of
/// dy that do not lie together, or its last panel where these are no whole vectors; sums with lanes along
/// windows.
struct DwScratch {
  float *x, *dy, *sums;
};
/// Elements of each.
struct DwSizes {
  Index x, dy, sums;
};

constexpr DwSizes dw_sizes(const ConvGeometry& g, Index n) {
  const Index pixels = block_images(g) * block_rows(g) * g.ow, out = g.oc / g.groups;
  const Index x = dw_gathers(g) ? pixels * kUnitRows : border_scratch(input_border(g), n);
  Index dy = out % kLanes != 0 ? pixels * kPanel : 0, sums = 0;
  if (g.trains != nullptr) dy = pixels * to_lanes(smaller(out, trainable_outputs(g)));
  if (dw_along_windows(g)) {
    const WeightRows rows = weight_rows(g);
    sums = rows.segments * window_vectors(rows) * trainable_outputs(g) * kLanes;
  }
  return {x, dy, sums};
}

constexpr DwScratch dw_parts(const ConvGeometry& g, Index n, float* begin) {
  const DwSizes sizes = dw_sizes(g, n);
  if (sizes.x + sizes.dy + sizes.sums == 0) return {begin, begin, begin};  // which may be null
  return {begin, begin + sizes.x, begin + sizes.x + sizes.dy};
}

constexpr Index dw_scratch(const ConvGeometry& g, Index n) {
  if (is_depthwise(g) || g.oh * g.ow == 0) return 0;
  if (dw_prefers_planes(g)) return planar_dw_scratch(g);
  const DwSizes sizes = dw_sizes(flattened(g), n);
  return sizes.x + sizes.dy + sizes.sums;
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

/// Columns of a block's dy: rows of whole vectors, `tail` of those from the column `tail_begin` on.
struct DyColumns {
  const float* dy;
  Index pixel;
  Index tail_begin;
  const float* tail;
  Index tail_pixel;

  const float* at(Index column) const {
    return column >= tail_begin ? tail + column - tail_begin : dy + column;
  }
  Index distance(Index column) const { return column >= tail_begin ? tail_pixel : pixel; }
};

/// The columns of `count` pixels whose gradient is wanted, `out` of the outputs [begin, end), one beside the
/// other and with zeros to whole vectors.
static inline void gather_columns(const ConvGeometry& g, Index begin, Index end, Index out, Index count,
                                  const float* dy, float* to) {
  const Index pixel = to_lanes(out);
  for (Index i = 0; out < pixel && i < count; ++i) store(to + (i + 1) * pixel - kLanes, Vec{});
  for_each_live_range(g, begin, end, [&](Index first, Index some) {
    for_channels(some, [&](Index c, Index part, const auto& load_at) {
      const float* const from = dy + first + c;
      for (Index i = 0; i < count; ++i) store_part(to + c + i * pixel, load_at(from + i * g.oc), part);
    });
    to += some;
  });
}

/// The `out` wanted ones of the outputs [begin, end) of a block.
static inline DyColumns columns_of(const ConvGeometry& g, Index begin, Index end, Index out, Index pixels,
                                   const float* dy, float* scratch) {
  constexpr Index kFewSums = 16 * 1024;  // too few to pay for a copy
  if (g.trains != nullptr) {
    Index ranges = 0, first = 0;
    for_each_live_range(g, begin, end, [&](Index at, Index) {
      first = at;
      ++ranges;
    });
    const bool readable = dw_along_windows(g) || first + to_lanes(out) <= g.oc;
    if (ranges == 1 && readable && g.kh * g.kw * (g.c / g.groups) * out < kFewSums) {
      return {dy + first, g.oc, out, nullptr, 0};
    }
    gather_columns(g, begin, end, out, pixels, dy, scratch);
    return {scratch, to_lanes(out), out, nullptr, 0};
  }
  DyColumns c{dy + begin, g.oc, out, scratch, 0};
  if (out % kLanes != 0) {
    c.tail_begin = out / kPanel * kPanel;
    c.tail_pixel = panel_vectors(out - c.tail_begin) * kLanes;
    pack_rows(pixels, 0, pixels, out - c.tail_begin, c.dy + c.tail_begin, g.oc, 1, scratch);
  }
  return c;
}

/// A block of pixels, for one group's outputs: `out` of them, which begin at the column `first_column` of
/// dweight's `trains`.
struct GroupBlock {
  const Border& border;
  const PixelBlock& block;
  Index group, out, first_column, trains;
  DyColumns dy;

  /// Where the windows of a segment begin in a bordered x.
  const float* windows(const ConvGeometry& g, Index segment) const {
    const Index row = g.groups == 1 ? segment : segment / g.kw;
    const Index from = g.groups == 1 ? 0 : segment % g.kw * g.c + group * (g.c / g.groups);
    return block.x + (block.row * g.stride_h + row) * border.row_stride() + from;
  }
};

/// Adds one block's part to the units [first, last) of dweight, or begins them with it: lanes are outputs.
static inline void add_block(const ConvGeometry& g, const GroupBlock& part, float* dweight, bool accumulate,
                             Index first, Index last, const DwScratch& scratch) {
  const WeightRows rows = weight_rows(g);
  const PixelBlock& block = part.block;
  Tile t{};
  t.ams = 1;
  t.ldc = part.trains;
  t.accumulate = accumulate;
  if (dw_gathers(g)) {
    t.aks = kUnitRows;
    t.k = block.images * block.rows * g.ow;
    t.inner = t.outer = 1;
  } else {
    t.aks = g.stride_w * g.c;
    t.k = g.ow;
    t.inner = block.rows;
    t.inner_stride = g.stride_h * part.border.row_stride();
    t.outer = block.images;
    t.outer_stride = part.border.image_stride();
  }
  t.far = block.images * block.rows * g.ow * kPanel > kNearElements;
  for (Index unit = first; unit < last; ++unit) {
    const Index segment = unit / rows.blocks, row0 = unit % rows.blocks * kUnitRows;
    const Index count = smaller(kUnitRows, rows.run - row0);
    const float* x = scratch.x;
    if (dw_gathers(g)) {
      gather_block(g, block, segment, row0, count, scratch.x);
    } else {
      x = part.windows(g, segment) + row0;
    }
    float* const to = dweight + (segment * rows.run + row0) * part.trains + part.first_column;
    for (Index j = 0; j < part.out; j += kPanel) {
      t.columns = smaller(part.out - j, kPanel);
      t.b = part.dy.at(j);
      t.ldb = part.dy.distance(j);
      for_each_tile(count, kRows[panel_vectors(t.columns) - 1], [&](Index m, Index tile_rows) {
        t.a = x + m;
        t.c = to + m * part.trains + j;
        run_tile(tile_rows, t);
      });
    }
  }
}

/// The same with lanes along windows, for the vectors [begin, end): the sum of column o and vector v is the
/// vector (v - begin) * trains + o of `sums`.
static inline void add_windows(const ConvGeometry& g, const GroupBlock& part, bool accumulate, Index begin,
                               Index end, float* sums) {
  const WeightRows rows = weight_rows(g);
  const Index vectors = window_vectors(rows);
  WindowTile t{};
  t.step = g.stride_w * g.c;
  t.row = g.stride_h * part.border.row_stride();
  t.image = part.border.image_stride();
  t.pixels = g.ow;
  t.rows = part.block.rows;
  t.images = part.block.images;
  t.sums_vector = part.trains * kLanes;
  t.accumulate = accumulate;
  for (Index j = 0; j < part.out; j += kPanel) {
    t.dy_pixel = part.dy.distance(j);
    for_each_tile(smaller(part.out - j, kPanel), kMostColumns, [&](Index o, Index some) {
      t.dy = part.dy.at(j) + o;
      for_each_tile(end - begin, kMost[some - 1], [&](Index vector, Index count) {
        for (Index v = 0; v < count; ++v) {
          const Index place = begin + vector + v;
          t.x[v] = part.windows(g, place / vectors) + first_row(rows, place);
        }
        t.sums = sums + (vector * part.trains + part.first_column + j + o) * kLanes;
        sum_windows(some, count, t);
      });
    });
  }
}

/// Calls f(element of dweight, of the sums) for the vectors [begin, end).
template <class F>
static inline void for_each_window_sum(const WeightRows& rows, Index trains, Index begin, Index end,
                                       const F& f) {
  for (Index v = begin; v < end; ++v) {
    const Index segment = v / window_vectors(rows), first = first_row(rows, v);
    const Index row0 = v % window_vectors(rows) * kLanes, row1 = smaller(rows.run, row0 + kLanes);
    for (Index row = row0; row < row1; ++row) {
      const Index to = (segment * rows.run + row) * trains,
                  from = (v - begin) * trains * kLanes + row - first;
      for (Index o = 0; o < trains; ++o) f(to + o, from + o * kLanes);
    }
  }
}

static inline void dw(const ConvGeometry& geometry, Index n, const real* x, const real* dy, real* dweight,
                      bool accumulate, Index first, Index last, real* scratch) {
  if (is_depthwise(geometry)) {
    return depthwise_dw(geometry, n, x, dy, dweight, accumulate, first, last);
  }
  const ConvGeometry g = flattened(geometry);
  const WeightRows weight = weight_rows(g);
  const Index trains = trainable_outputs(g), out = g.oc / g.groups;
  if (n == 0 || g.oh * g.ow == 0) {
    if (accumulate) return;
    for (Index unit = first; unit < last; ++unit) {
      const Index row0 = unit % weight.blocks * kUnitRows;
      zero_floats(smaller(kUnitRows, weight.run - row0) * trains,
                  dweight + (unit / weight.blocks * weight.run + row0) * trains);
    }
    return;
  }
  if (dw_prefers_planes(g)) {
    return planar_dw(g, n, x, dy, dweight, accumulate, smaller(weight.run, first * kUnitRows),
                     smaller(weight.run, last * kUnitRows), scratch);
  }
  const Border border = input_border(g);
  const Index together = dw_gathers(g) ? n : images_at_once(border, n);
  const Index images = block_images(g), rows = block_rows(g);
  const DwScratch parts = dw_parts(g, n, scratch);
  const bool along_windows = dw_along_windows(g);
  const Index begin_vector = first_vector(weight, first), end_vector = first_vector(weight, last);
  if (along_windows && accumulate) {
    zero_floats((end_vector - begin_vector) * trains * kLanes, parts.sums);
    for_each_window_sum(weight, trains, begin_vector, end_vector,
                        [&](Index to, Index from) { parts.sums[from] = dweight[to]; });
  }
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
        Index column = 0;
        for (Index group = 0; group < g.groups; ++group) {
          const Index wanted = live_outputs_between(g, group * out, (group + 1) * out);
          if (wanted == 0) continue;
          const DyColumns columns = columns_of(g, group * out, (group + 1) * out, wanted,
                                               block.images * block.rows * g.ow, block.dy, parts.dy);
          const GroupBlock part{border, block, group, wanted, column, trains, columns};
          if (along_windows) {
            add_windows(g, part, add, begin_vector, end_vector, parts.sums);
          } else {
            add_block(g, part, dweight, add, first, last, parts);
          }
          column += wanted;
        }
        add = true;
      }
    }
  }
  if (along_windows) {
    for_each_window_sum(weight, trains, begin_vector, end_vector,
                        [&](Index to, Index from) { dweight[to] = parts.sums[from]; });
  }
}

}  // namespace firn::FIRN_ISA_SPACE
