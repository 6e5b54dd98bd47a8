// Weight gradients by a matrix unit: rows are channels, columns outputs, and pixels are what is summed over.
#include "engine/kernels/simd/matrix_layout.h"
#include "engine/kernels/simd/transpose.h"

namespace firn::FIRN_ISA_SPACE {

Index matrix_gradient_units(const ConvGeometry& g);
Index matrix_gradient_scratch(const ConvGeometry& g, Index n);
void matrix_gradient(const MatrixUnit& unit, const MatrixGradient& call, real* scratch);

namespace {

/// Elements of transposed images and gradients that are worked on together.
constexpr Index kTogether = 256 * 1024;

/// How images lie as planes of one channel each, and their gradients as tiles of B.
struct Planes {
  Phases p;
  Index steps;             ///< of an image
  Index plane;             ///< elements of a plane: an odd number of cache lines
  Index channels, images;  ///< planes of a phase, images together
  Index columns;           ///< of dy that are wanted

  Planes(const ConvGeometry& g, Index n, Index units)
      : p(g), steps(divided_up(p.pixels, kUnitDepth)), columns(g.trainable_count()) {
    const Index reach = (g.kh - 1) / g.stride_h * p.columns + (g.kw - 1) / g.stride_w;
    plane = rounded_up(reach + steps * kUnitDepth, 32);
    if (plane % 64 == 0) plane += 32;
    channels = rounded_up(g.c, kUnitRows);
    const Index each = larger(1, image() + gradient());
    images = smaller(smaller(larger(1, n), kMostSegments), larger(1, kTogether / each));
    channels = smaller(channels, units * kUnitBlock);
  }
  Index phase() const { return channels * plane; }
  Index image() const { return p.count() * phase(); }
  Index gradient() const { return steps * rounded_up(columns, kUnitRows) * kUnitDepth; }
};

/// Planes [0, rounded up to whole vectors) of `channels` channels from `count` pixels, `pixel` elements
/// apart.
template <class T>
void transpose_pixels(const T* x, Index pixel, Index channels, Index count, Bf16* to, Index plane) {
  for (Index c = 0; c < channels; c += kLanes) {
    const Index lanes = smaller(kLanes, channels - c);
    for (Index first = 0; first < count; first += 2 * kLanes) {
      const Index some = smaller(2 * kLanes, count - first);
      Vec z[kLanes];
      for (Index i = 0; i < kLanes; ++i) {
        const T* const from = x + c + (first + 2 * i) * pixel;
        const VecBits pairs =
            interleaved(2 * i < some ? from : nullptr, 2 * i + 1 < some ? from + pixel : nullptr, lanes);
        z[i] = __builtin_bit_cast(Vec, pairs);
      }
      transpose_blocks<int{kLanes}>(z);
      for (Index i = 0; i < kLanes; ++i) {
        Bf16* const row = to + (c + i) * plane + first;
#if defined(__AVX512F__)
        const std::uint32_t all = ~std::uint32_t{0};
        _mm512_mask_storeu_epi16(row, static_cast<__mmask32>(all >> (32 - some)), __m512i(z[i]));
#else
        __builtin_memcpy(row, &z[i], static_cast<std::size_t>(some) * sizeof(Bf16));
#endif
      }
    }
  }
}

/// Channels [channel, channel + count) of one image to their planes; nothing else is written.
template <class T>
void lay_planes(const ConvGeometry& g, const Planes& l, const T* x, Index pixel, Index channel, Index count,
                Bf16* to) {
  for (Index i = 0; i < g.h; ++i) {
    const Index row = i + g.pad_h;
    if (row % g.stride_h >= l.p.high) continue;
    for (Index q = 0; q < l.p.wide; ++q) {
      // The first pixel of the row in this phase: (j + pad_w) % stride_w = q.
      const Index j = ((q - g.pad_w) % g.stride_w + g.stride_w) % g.stride_w;
      if (j >= g.w) continue;
      Bf16* const line = to + (row % g.stride_h * l.p.wide + q) * l.phase() + row / g.stride_h * l.p.columns +
                         (j + g.pad_w) / g.stride_w;
      transpose_pixels(x + (i * g.w + j) * pixel + channel, g.stride_w * pixel, count,
                       divided_up(g.w - j, g.stride_w), line, l.plane);
    }
  }
}

/// The columns of one pixel's gradient that are wanted, one beside the other.
template <class T>
const T* wanted(const ConvGeometry& g, const T* dy, T* row) {
  if (g.trains == nullptr || dy == nullptr) return dy;
  T* to = row;
  for (Index r = 0; r < g.trainable_ranges; ++r) {
    for (Index o = g.trains[r].first; o < g.trains[r].last; ++o) *to++ = dy[o];
  }
  return row;
}

/// The gradient of image `image`, zeros between its rows, to the tiles of B: a block of columns after the
/// other, each with the steps of all images. `rows`: memory for two pixels.
template <class T>
void lay_gradient(const ConvGeometry& g, const Planes& l, const T* dy, Index pixel, Index image, T* rows,
                  Bf16* tiles) {
  const auto at = [&](Index v) -> const T* {
    const Index i = v / l.p.columns, j = v % l.p.columns;
    return i < g.oh && j < g.ow ? dy + (i * g.ow + j) * pixel : nullptr;
  };
  for (Index pair = 0; pair < l.steps * kUnitDepth / 2; ++pair) {
    const T* const first = wanted(g, at(2 * pair), rows);
    const T* const second = wanted(g, at(2 * pair + 1), rows + g.oc);
    const Index step = pair / (kUnitDepth / 2), line = pair % (kUnitDepth / 2) * 2 * kUnitRows;
    for (Index j = 0; j < l.columns; j += kUnitBlock) {
      const Index width = smaller(divided_up(l.columns - j, kUnitRows), 2);
      Bf16* to = tiles + (j / kUnitRows * l.images * l.steps + (image * l.steps + step) * width) * kUnitTile;
      for (Index o = j; o < j + width * kUnitRows; o += kUnitRows, to += kUnitTile) {
        interleave_row(first != nullptr ? first + o : first, second != nullptr ? second + o : second,
                       smaller(l.columns - o, kUnitRows), to + line);
      }
    }
  }
}

/// One block of dweight: `rows` channels, n columns at `to`. A block that is not whole goes by `spare`.
void sum_block(const MatrixUnit& unit, UnitBlock t, Index rows, Index n, float* to, Index ld, float* spare) {
  const bool whole = rows == t.row_tiles * kUnitRows && n == t.column_tiles * kUnitRows;
  t.c = whole ? to : spare;
  t.ldc = whole ? ld : kUnitBlock;
  if (!whole && t.accumulate) {
    for (Index r = 0; r < rows; ++r) copy_floats(n, to + r * ld, spare + r * kUnitBlock);
  }
  unit.multiply(t);
  if (whole) return;
  for (Index r = 0; r < rows; ++r) copy_floats(n, spare + r * kUnitBlock, to + r * ld);
}

/// The sums of the images that lie in memory, `planes` and `tiles`.
void sum_images(const MatrixUnit& unit, const MatrixGradient& call, const Planes& l, Index images,
                const Bf16* planes, const Bf16* tiles, bool accumulate, float* spare) {
  const ConvGeometry& g = call.g;
  const Index begin = call.first * kUnitBlock, end = smaller(g.c, call.last * kUnitBlock);
  UnitSegment segments[kMostSegments];
  UnitBlock t;
  t.lda = l.plane;
  t.segments = segments;
  t.segment_count = images;
  t.accumulate = accumulate;
  for (Index a = 0; a < g.kh; ++a) {
    for (Index b = 0; b < g.kw; ++b) {
      const Index phase = a % g.stride_h * l.p.wide + b % g.stride_w;
      for (Index i = 0; i < images; ++i) {
        segments[i].offset =
            i * l.image() + phase * l.phase() + a / g.stride_h * l.p.columns + b / g.stride_w;
        segments[i].steps = l.steps;
      }
      for (Index c = begin; c < end; c += kUnitBlock) {
        const Index rows = smaller(end - c, kUnitBlock);
        t.a = planes + (c - begin) * l.plane;
        t.row_tiles = divided_up(rows, kUnitRows);
        t.rows = rows;
        t.b = tiles;
        for (Index j = 0; j < l.columns; j += kUnitBlock) {
          const Index n = smaller(l.columns - j, kUnitBlock);
          t.column_tiles = divided_up(n, kUnitRows);
          sum_block(unit, t, rows, n, call.dweight + ((a * g.kw + b) * g.c + c) * call.row + j, call.row,
                    spare);
          t.b += l.images * l.steps * t.column_tiles * kUnitTile;
        }
      }
    }
  }
}

template <class X, class Y>
void gradient_of(const MatrixUnit& unit, const MatrixGradient& call, const X* x, const Y* dy, real* memory) {
  const ConvGeometry& g = call.g;
  const Planes l(g, call.n, call.last - call.first);
  const Index begin = call.first * kUnitBlock, channels = smaller(g.c, call.last * kUnitBlock) - begin;
  auto* const planes = reinterpret_cast<Bf16*>(memory);
  auto* const tiles = planes + rounded_up(l.images * l.image(), 32);
  float* const spare = memory + floats_of(l.images * l.image()) + floats_of(l.images * l.gradient());
  auto* const rows = reinterpret_cast<Y*>(spare + kUnitBlock * kUnitBlock);
  zero_halves(l.images * l.image(), planes);
  zero_floats(kUnitBlock * kUnitBlock, spare);
  unit.begin();
  for (Index i = 0; i < call.n || i == 0; i += l.images) {
    const Index count = smaller(l.images, call.n - i);
    for (Index k = 0; k < count; ++k) {
      lay_planes(g, l, x + (i + k) * call.x_image, call.x_pixel, begin, channels, planes + k * l.image());
      lay_gradient(g, l, dy + (i + k) * call.dy_image, call.dy_pixel, k, rows, tiles);
    }
    sum_images(unit, call, l, count, planes, tiles, i > 0, spare);
  }
  unit.end();
}

}  // namespace

Index matrix_gradient_units(const ConvGeometry& g) {
  return divided_up(g.c, kUnitBlock);
}

Index matrix_gradient_scratch(const ConvGeometry& g, Index n) {
  const Planes l(g, n, matrix_gradient_units(g));
  return floats_of(l.images * l.image()) + floats_of(l.images * l.gradient()) + kUnitBlock * kUnitBlock +
         2 * g.oc;
}

void matrix_gradient(const MatrixUnit& unit, const MatrixGradient& call, real* scratch) {
  if (call.first >= call.last || call.g.trainable_count() == 0) return;
  const auto with = [&](const auto* x) {
    if (call.dy.narrow) {
      gradient_of(unit, call, x, static_cast<const Bf16*>(call.dy.data), scratch);
    } else {
      gradient_of(unit, call, x, static_cast<const float*>(call.dy.data), scratch);
    }
  };
  if (call.x.narrow) {
    with(static_cast<const Bf16*>(call.x.data));
  } else {
    with(static_cast<const float*>(call.x.data));
  }
}

}  // namespace firn::FIRN_ISA_SPACE
