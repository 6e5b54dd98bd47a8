// Convolutions and dense layers by a matrix unit.
#include "engine/kernels/simd/matrix_layout.h"
#include "engine/kernels/simd/tile.h"

namespace firn::FIRN_ISA_SPACE {

extern const Bf16Kernels bf16;
Index matrix_gradient_units(const ConvGeometry& g);
Index matrix_gradient_scratch(const ConvGeometry& g, Index n);
void matrix_gradient(const MatrixUnit& unit, const MatrixGradient& call, real* scratch);

namespace {

/// Elements of images that are worked on together: half of a second-level cache of 512 KB.
constexpr Index kTogether = 128 * 1024;

/// What an output reads, for a grid whose phases lie `phase` elements apart.
struct Segments {
  UnitSegment list[kMostSegments];
  Index count = 0, steps = 0;

  Segments(const ConvGeometry& g, const Phases& p, Index phase) {
    for (Index a = 0; a < g.kh; ++a) {
      for (Index q = 0; q < p.wide; ++q) {
        const Index which = a % g.stride_h * p.wide + q, run = divided_up(g.kw - q, g.stride_w) * g.c;
        UnitSegment& s = list[count++];
        s.offset = which * phase + a / g.stride_h * p.columns * g.c;
        s.steps = divided_up(run, kUnitDepth);
        steps += s.steps;
      }
    }
  }
};

Index steps_of(const ConvGeometry& g) {
  return Segments(g, Phases(g), 0).steps;
}

Index weight_count(const ConvGeometry& g) {
  return steps_of(g) * divided_up(g.oc, kUnitRows) * kUnitTile / 2;
}

void pack(const ConvGeometry& g, const real* weight, real* packed) {
  auto* to = reinterpret_cast<Bf16*>(packed);
  for (Index j = 0; j < g.oc; j += kUnitBlock) {
    const Index tiles = smaller(divided_up(g.oc - j, kUnitRows), 2);
    for (Index a = 0; a < g.kh; ++a) {
      for (Index q = 0; q < smaller(g.stride_w, g.kw); ++q) {
        const Index run = divided_up(g.kw - q, g.stride_w) * g.c;
        const auto row = [&](Index k) -> const float* {
          if (k >= run) return nullptr;
          return weight + ((a * g.kw + q + k / g.c * g.stride_w) * g.c + k % g.c) * g.oc + j;
        };
        for (Index k = 0; k < run; k += kUnitDepth, to += tiles * kUnitTile) {
          for (Index pair = 0; pair < kUnitDepth / 2; ++pair) {
            const float *first = row(k + 2 * pair), *second = row(k + 2 * pair + 1);
            for (Index t = 0; t < tiles; ++t) {
              const Index o = t * kUnitRows;
              interleave_row(first != nullptr ? first + o : first, second != nullptr ? second + o : second,
                             smaller(g.oc - j - o, kUnitRows), to + t * kUnitTile + 2 * kUnitRows * pair);
            }
          }
        }
      }
    }
  }
}

Index images_together(const ConvGeometry& g, Index n) {
  const Phases p(g);
  return smaller(larger(1, n), larger(1, kTogether / larger(1, p.count() * p.grid() * g.c)));
}

/// Elements of the images together, with what the last tile reads behind them.
Index images_count(const ConvGeometry& g, Index together) {
  const Phases p(g);
  return (p.count() * together * p.grid() + kUnitRows + g.kw) * g.c + kUnitDepth;
}

Index scratch(const MatrixConvolution& c, Index n) {
  return floats_of(images_count(c.g, images_together(c.g, n))) + kUnitBlock * kUnitBlock;
}

void to_halves(Index count, Numbers x, Index at, Bf16* to) {
  if (x.narrow) {
    __builtin_memcpy(to, static_cast<const Bf16*>(x.data) + at,
                     static_cast<std::size_t>(count) * sizeof(Bf16));
  } else {
    bf16.narrow(count, static_cast<const float*>(x.data) + at, to);
  }
}

/// The pixels of one image, whose first element is number `at` of x, to their phases, `phase` elements apart;
/// nothing else is written.
void lay_image(const MatrixConvolution& c, const Phases& p, Numbers x, Index at, Index phase, Bf16* to) {
  const ConvGeometry& g = c.g;
  const Index height = divided_up(g.h, c.spread_h), width = divided_up(g.w, c.spread_w);
  for (Index i = 0; i < height; ++i) {
    const Index row = i * c.spread_h + g.pad_h;
    if (row % g.stride_h >= p.high) continue;
    Bf16* const line = to + row % g.stride_h * p.wide * phase + row / g.stride_h * p.columns * g.c;
    const Index from = at + i * width * g.c;
    if (g.stride_w == 1 && c.spread_w == 1) {
      to_halves(width * g.c, x, from, line + g.pad_w * g.c);
      continue;
    }
    for (Index j = 0; j < width; ++j) {
      const Index column = j * c.spread_w + g.pad_w;
      if (column % g.stride_w >= p.wide) continue;
      to_halves(g.c, x, from + j * g.c, line + column % g.stride_w * phase + column / g.stride_w * g.c);
    }
  }
}

/// Where results go: rows of oc elements.
struct Output {
  const MatrixEpilogue& epilogue;
  void* y;
  bool narrow;
  Index oc;
};

/// `count` rows of a block, n columns wide, through the epilogue; the first is row `row` of the output, from
/// column j. `last`: to memory, else back to the block, without the activation.
void finish_rows(const Output& out, float* block, Index count, Index row, Index j, Index n, bool last) {
  const Epilogue& e = out.epilogue.terms;
  for (Index o = 0; o < n; o += kLanes) {
    const Index lanes = smaller(kLanes, n - o);
    const Vec scale = e.scale != nullptr ? load_part(e.scale + j + o, lanes) : Vec{};
    const Vec shift = e.shift != nullptr ? load_part(e.shift + j + o, lanes) : Vec{};
    for (Index r = 0; r < count; ++r) {
      const Index at = (row + r) * out.oc + j + o;
      Vec z = load(block + r * kUnitBlock + o);
      if (e.scale != nullptr) z = z * scale;
      if (e.shift != nullptr) z = z + shift;
      if (e.residual != nullptr) z = z + load_part(e.residual + at, lanes);
      if (out.epilogue.residual != nullptr)
        z = z + widened(widen_halves(load_halves(out.epilogue.residual + at, lanes)));
      if (!last) {
        store(block + r * kUnitBlock + o, z);
        continue;
      }
      if (e.activation == Activation::relu) {
        z = max(Vec{}, z);
      } else if (e.activation == Activation::leaky_relu) {
        z = z > Vec{} ? z : e.slope * z;
      }
      if (out.narrow) {
        store_halves(static_cast<Bf16*>(out.y) + at, low_halves(nearest(z)), lanes);
      } else {
        store_part(static_cast<float*>(out.y) + at, z, lanes);
      }
    }
  }
}

/// The same for the usual epilogue, a shift and a ReLU at most, and bf16.
template <bool shifts, bool relu>
void finish_narrow(const Output& out, const float* block, Index count, Index row, Index j, Index n) {
  for (Index o = 0; o < n; o += kLanes) {
    const Index lanes = smaller(kLanes, n - o);
    const Vec shift = shifts ? load_part(out.epilogue.terms.shift + j + o, lanes) : Vec{};
    Bf16* to = static_cast<Bf16*>(out.y) + row * out.oc + j + o;
    const auto rows = [&](auto store_row) {
      const float* z = block + o;
#pragma GCC unroll 4
      for (Index r = 0; r < count; ++r, z += kUnitBlock, to += out.oc) {
        Vec sum = load(z);
        if constexpr (shifts) sum = sum + shift;
        if constexpr (relu) sum = max(Vec{}, sum);
        store_row(low_halves(nearest(sum)));
      }
    };
    if (lanes == kLanes) {
      rows([&](Halves x) { store_halves(to, x); });
    } else {
      rows([&](Halves x) { store_halves(to, x, lanes); });
    }
  }
}

void finish(const Output& out, float* block, Index count, Index row, Index j, Index n) {
  const Epilogue& e = out.epilogue.terms;
  const bool relu = e.activation == Activation::relu;
  const bool usual = out.narrow && e.scale == nullptr && e.residual == nullptr &&
                     out.epilogue.residual == nullptr && (relu || e.activation == Activation::none);
  if (usual) {
    const auto rows = e.shift != nullptr ? (relu ? finish_narrow<true, true> : finish_narrow<true, false>)
                                         : (relu ? finish_narrow<false, true> : finish_narrow<false, false>);
    return rows(out, block, count, row, j, n);
  }
  if (!activates_late(e.activation)) return finish_rows(out, block, count, row, j, n, true);
  finish_rows(out, block, count, row, j, n, false);
  activate_rows(e, count, n, block, kUnitBlock);
  const MatrixEpilogue none;
  finish_rows({none, out.y, out.narrow, out.oc}, block, count, row, j, n, true);
}

/// Calls f(place, run, pixel) for the outputs among `count` places of the grid from `first` on: so many in a
/// row, of which the first is number `pixel` of all images.
template <class F>
void for_each_run(const ConvGeometry& g, const Phases& p, Index first, Index count, const F& f) {
  if (p.grid() == 1) return f(Index{0}, count, first);
  for (Index v = first; v < first + count;) {
    const Index image = v / p.grid(), i = v % p.grid() / p.columns, j = v % p.columns;
    const Index line = v - j + p.columns;  // where the next one begins
    if (i < g.oh && j < g.ow) {
      const Index run = smaller(g.ow - j, first + count - v);
      f(v - first, run, (image * g.oh + i) * g.ow + j);
    }
    v = line;
  }
}

/// The products of `count` images that lie in their phases; the first is number `image` of y.
void product(const MatrixUnit& unit, const ConvGeometry& g, const Segments& segments, Index image,
             Index count, const Bf16* images, const real* packed, const Output& out, float* block) {
  const Phases p(g);
  // Small images one behind the other, with what lies between; large ones each by itself.
  const bool chained = rounded_up(p.pixels, kUnitRows) >= p.grid();
  const Index spans = chained ? 1 : count;
  const Index pixels = chained ? (count - 1) * p.grid() + p.pixels : p.pixels;
  UnitBlock t;
  t.lda = g.c;
  t.segments = segments.list;
  t.segment_count = segments.count;
  t.c = block;
  t.ldc = kUnitBlock;
  t.b = reinterpret_cast<const Bf16*>(packed);
  for (Index j = 0; j < g.oc; j += kUnitBlock) {
    const Index n = smaller(g.oc - j, kUnitBlock);
    t.column_tiles = divided_up(n, kUnitRows);
    for (Index s = 0; s < spans; ++s) {
      for (Index v = 0; v < pixels; v += kUnitBlock) {
        const Index first = s * p.grid() + v, rows = smaller(pixels - v, kUnitBlock);
        t.row_tiles = divided_up(rows, kUnitRows);
        t.rows = rows;
        t.a = images + first * g.c;
        unit.multiply(t);
        for_each_run(g, p, first, rows, [&](Index at, Index run, Index pixel) {
          finish(out, block + at * kUnitBlock, run, image * g.oh * g.ow + pixel, j, n);
        });
      }
    }
    t.b += segments.steps * t.column_tiles * kUnitTile;
  }
}

void forward(const MatrixUnit& unit, const MatrixConvolution& c, Index n, Numbers x, const real* packed,
             const MatrixEpilogue& epilogue, void* y, bool narrow, real* memory) {
  const ConvGeometry& g = c.g;
  if (n * g.oh * g.ow * g.oc == 0) return;
  const Phases p(g);
  const Index together = images_together(g, n), phase = together * p.grid() * g.c;
  const Segments segments(g, p, phase);
  const Index elements = divided_up(g.h, c.spread_h) * divided_up(g.w, c.spread_w) * g.c;
  auto* const images = reinterpret_cast<Bf16*>(memory);
  float* const block = memory + floats_of(images_count(g, together));
  zero_halves(images_count(g, together), images);
  const Output out{epilogue, y, narrow, g.oc};
  unit.begin();
  for (Index i = 0; i < n; i += together) {
    const Index count = smaller(together, n - i);
    for (Index k = 0; k < count; ++k) {
      lay_image(c, p, x, (i + k) * elements, phase, images + k * p.grid() * g.c);
    }
    product(unit, g, segments, i, count, images, packed, out, block);
  }
  unit.end();
}

}  // namespace

extern const MatrixKernels matrix;
const MatrixKernels matrix{
    weight_count, pack, scratch, forward, matrix_gradient_units, matrix_gradient_scratch, matrix_gradient};

}  // namespace firn::FIRN_ISA_SPACE
