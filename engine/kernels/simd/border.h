// Images with a border of zeros, so that the inner loops of a convolution know no edge.
#pragma once

#include "engine/kernels/conv.h"
#include "engine/kernels/simd/vec.h"

namespace firn::FIRN_ISA_SPACE {

/// Images (h,w,c) seen as (rows,columns,c) with `top` rows and `left` columns of zeros before them; what goes
/// beyond the image behind is zero as well, and what of it goes beyond rows and columns is left out.
struct Border {
  Index h, w, c;
  Index top, left, rows, columns;

  /// True where the images themselves can be read in place.
  constexpr bool none() const { return top == 0 && left == 0 && rows <= h && columns <= w; }
  constexpr Index elements() const { return none() ? 0 : rows * columns * c; }
  constexpr Index row_stride() const { return none() ? w * c : columns * c; }
  constexpr Index image_stride() const { return none() ? h * w * c : rows * columns * c; }
};

/// The images as the border wants them: x itself, or their copy in `scratch`, n * elements().
static inline const float* with_border(const Border& b, Index n, const float* x, float* scratch) {
  if (b.none()) return x;
  const Index line = b.columns * b.c, inner = smaller(b.w, b.columns - b.left) * b.c, left = b.left * b.c;
  float* to = scratch;
  for (Index image = 0; image < n; ++image) {
    for (Index row = 0; row < b.rows; ++row, to += line) {
      const Index from = row - b.top;
      if (from < 0 || from >= b.h || inner <= 0) {
        zero_floats(line, to);
        continue;
      }
      zero_floats(left, to);
      copy_floats(inner, x + (image * b.h + from) * b.w * b.c, to + left);
      zero_floats(line - left - inner, to + left + inner);
    }
  }
  return scratch;
}

/// Elements of images that are worked on together, so that they stay in the second-level cache.
inline constexpr Index kChunk = 128 * 1024;

/// A product of all pixels with one matrix.
constexpr bool is_pointwise(const ConvGeometry& g) {
  return g.kh == 1 && g.kw == 1 && g.stride_h == 1 && g.stride_w == 1 && g.pad_h == 0 && g.pad_w == 0 &&
         g.oh == g.h && g.ow == g.w && g.groups == 1;
}

/// The border that the forward pass and the weight gradient read x with.
constexpr Border input_border(const ConvGeometry& g) {
  return {g.h, g.w, g.c, g.pad_h, g.pad_w, (g.oh - 1) * g.stride_h + g.kh, (g.ow - 1) * g.stride_w + g.kw};
}

/// Calls f(first, count) for the output channels in [begin, end) that the weight gradient is wanted of.
template <class F>
constexpr void for_each_live_range(const ConvGeometry& g, Index begin, Index end, const F& f) {
  if (g.trains == nullptr) return f(begin, end - begin);
  for (Index i = 0; i < g.trainable_ranges; ++i) {
    const Index first = larger(begin, g.trains[i].first), last = smaller(end, g.trains[i].last);
    if (first < last) f(first, last - first);
  }
}
/// How many they are. (`ConvGeometry::trainable_count` is not this set's own.)
constexpr Index live_outputs_between(const ConvGeometry& g, Index begin, Index end) {
  Index total = 0;
  for_each_live_range(g, begin, end, [&](Index, Index count) { total += count; });
  return total;
}
constexpr Index trainable_outputs(const ConvGeometry& g) {
  return live_outputs_between(g, 0, g.oc);
}

constexpr Index images_at_once(const Border& b, Index n) {
  return smaller(n, larger(1, kChunk / larger(1, b.image_stride())));
}

/// The border's elements for as many images as are worked on together, to whole cache lines.
constexpr Index border_scratch(const Border& b, Index n) {
  return (images_at_once(b, n) * b.elements() + 15) / 16 * 16;
}

}  // namespace firn::FIRN_ISA_SPACE
