// A convolution over images whose border is there in memory: products of strips of pixels with packed
// weights.
#pragma once

#include "engine/kernels/simd/micro_kernel.h"

namespace firn::FIRN_ISA_SPACE {

extern const GemmKernels gemm;

/// y[image,i,j,o] = epilogue(sum x[image, i*stride_h + a, j*stride_w + b, channel] * weight[a,b,channel,o]),
/// with `in` channels and `out` outputs in each group; the distances of pixels, rows and images in elements.
/// The weight is packed group after group, each a matrix of kh*kw*in rows and `out` columns.
struct Sweep {
  const float* x;
  Index x_pixel, x_row, x_image;
  Index stride_h, stride_w, kh, kw;
  Index groups, in, out;
  const float* packed;
  float* y;
  Index y_pixel, y_row, y_image, oh, ow;

  constexpr Index depth() const { return kh * kw * in; }
};

/// Pixels that are gathered together where the rows of the output are too short to fill a tile.
inline constexpr Index kGatherRows = 56;

constexpr bool gathers(Index ow, Index out, Index groups) {
  return groups == 1 && 2 * ow < kRows[panel_vectors(out) - 1];
}

static inline void sweep_rows(const Sweep& s, Index n, const Epilogue& epilogue) {
  Tile t{};
  t.ams = s.stride_w * s.x_pixel;
  t.aks = 1;
  if (s.groups == 1) {  // the taps of a kernel row lie side by side
    t.k = s.kw * s.in;
    t.inner = s.kh;
    t.inner_stride = s.x_row;
    t.outer = 1;
  } else {
    t.k = s.in;
    t.inner = s.kw;
    t.inner_stride = s.x_pixel;
    t.outer = s.kh;
    t.outer_stride = s.x_row;
  }
  t.ldc = s.y_pixel;
  for (Index group = 0; group < s.groups; ++group) {
    const float* const packed = s.packed + group * packed_elements(s.depth(), s.out);
    for (Index j = 0; j < s.out; j += kPanel) {
      t.columns = smaller(s.out - j, kPanel);
      t.b = packed + j * s.depth();
      t.ldb = panel_vectors(t.columns) * kLanes;
      t.far = s.depth() * t.ldb > kNearElements;
      const Index column = group * s.out + j;
      for (Index row = 0; row < n * s.oh; ++row) {
        const Index image = row / s.oh, i = row % s.oh;
        const float* const x = s.x + image * s.x_image + i * s.stride_h * s.x_row + group * s.in;
        const Index y = image * s.y_image + i * s.y_row + column;
        for_each_tile(s.ow, kRows[panel_vectors(t.columns) - 1], [&](Index first, Index rows) {
          const Index at = y + first * s.y_pixel;
          t.a = x + first * t.ams;
          t.c = s.y + at;
          t.epilogue = epilogue_at(epilogue, at, column);
          run_tile(rows, t);
        });
      }
    }
  }
}

/// `count` runs of `length` elements, `from_step` and `to_step` apart.
static inline void copy_runs(Index count, Index length, const float* from, Index from_step, float* to,
                             Index to_step) {
  const Index whole = (length - 1) / kLanes * kLanes, rest = length - whole;
  for (; count > 0; --count, from += from_step, to += to_step) {
    for (Index i = 0; i < whole; i += kLanes) store(to + i, load(from + i));
    store_part(to + whole, load_part(from + whole, rest), rest);
  }
}

/// Needs contiguous pixels of y, one group, and kGatherRows * depth() elements of scratch.
static inline void sweep_gathered(const Sweep& s, Index n, const Epilogue& epilogue, float* scratch) {
  const Index depth = s.depth(), run = s.kw * s.in, step = s.stride_w * s.x_pixel;
  for_each_tile(n * s.oh * s.ow, kGatherRows, [&](Index first, Index rows) {
    float* to = scratch;
    for (Index p = first; p < first + rows;) {  // the pixels of one row together
      const Index image = p / (s.oh * s.ow), i = p / s.ow % s.oh, j = p % s.ow;
      const Index count = smaller(s.ow - j, first + rows - p);
      const float* const from = s.x + image * s.x_image + i * s.stride_h * s.x_row + j * step;
      for (Index a = 0; a < s.kh; ++a) copy_runs(count, run, from + a * s.x_row, step, to + a * run, depth);
      to += count * depth;
      p += count;
    }
    Gemm call{};
    call.m = rows;
    call.n = s.out;
    call.k = depth;
    call.a = scratch;
    call.ams = depth;
    call.aks = 1;
    call.b = s.packed;
    call.c = s.y + first * s.y_pixel;
    call.ldc = s.y_pixel;
    call.epilogue = epilogue_at(epilogue, first * s.y_pixel, 0);
    gemm.product(call);
  });
}

}  // namespace firn::FIRN_ISA_SPACE
