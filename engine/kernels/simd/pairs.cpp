// Products of pairs of bf16: the one file that is compiled with AVX512-BF16, in the set avx512.
#include "engine/kernels/bf16.h"
#include "engine/kernels/simd/tile.h"

namespace firn::FIRN_ISA_SPACE {

extern const Bf16Kernels bf16;

namespace {

/// Pixels whose inputs are gathered together, and elements of bf16 images that are worked on together.
constexpr Index kPixels = 56;
constexpr Index kImages = 256 * 1024;

constexpr Index pairs_of(const ConvGeometry& g) {
  return (g.kh * g.kw * g.c + 1) / 2;
}

/// Panels as `pack_rows` makes them, a pair in the place of a float.
Index weight_count(const ConvGeometry& g) {
  return packed_elements(pairs_of(g), g.oc);
}

void pack(const ConvGeometry& g, const real* weight, real* packed) {
  const Index depth = g.kh * g.kw * g.c, pairs = pairs_of(g);
  Bf16 first[kPanel], second[kPanel];
  for (Index j = 0; j < g.oc; j += kPanel) {
    const Index columns = smaller(g.oc - j, kPanel), width = panel_vectors(columns) * kLanes;
    for (Index o = 0; o < kPanel; ++o) first[o] = second[o] = 0;
    auto* to = reinterpret_cast<Bf16*>(packed + j * pairs);
    for (Index p = 0; p < pairs; ++p, to += 2 * width) {
      bf16.narrow(columns, weight + 2 * p * g.oc + j, first);
      if (2 * p + 1 < depth) {
        bf16.narrow(columns, weight + (2 * p + 1) * g.oc + j, second);
      } else {
        for (Index o = 0; o < columns; ++o) second[o] = 0;
      }
      for (Index o = 0; o < width; ++o) {
        to[2 * o] = first[o];
        to[2 * o + 1] = second[o];
      }
    }
  }
}

/// The images with their padding, as bf16.
struct Padded {
  Index rows, columns, line, image;
};
Padded padded(const ConvGeometry& g) {
  const Index rows = larger(g.h + g.pad_h, (g.oh - 1) * g.stride_h + g.kh);
  const Index columns = larger(g.w + g.pad_w, (g.ow - 1) * g.stride_w + g.kw);
  return {rows, columns, columns * g.c, rows * columns * g.c};
}

Index images_together(const ConvGeometry& g, Index n) {
  return smaller(n, larger(1, kImages / larger(1, padded(g).image)));
}

/// Floats to hold `count` bf16, in whole cache lines.
constexpr Index floats_for(Index count) {
  return (count + 31) / 32 * 16;
}

Index scratch(const ConvGeometry& g, Index n) {
  return floats_for(images_together(g, n) * padded(g).image) + floats_for(kPixels * 2 * pairs_of(g));
}

void zero(Index count, Bf16* to) {
  for (Index i = 0; i < count; ++i) to[i] = 0;
}

void pad_images(const ConvGeometry& g, Index n, const float* x, Bf16* to) {
  const Padded p = padded(g);
  for (Index image = 0; image < n; ++image) {
    for (Index row = 0; row < p.rows; ++row, to += p.line) {
      const Index from = row - g.pad_h;
      if (from < 0 || from >= g.h) {
        zero(p.line, to);
        continue;
      }
      const Index left = g.pad_w * g.c, inner = g.w * g.c;
      zero(left, to);
      bf16.narrow(inner, x + (image * g.h + from) * inner, to + left);
      zero(p.line - left - inner, to + left + inner);
    }
  }
}

/// The inputs of pixels [first, first + count) of the padded images, a row of pairs each.
void gather(const ConvGeometry& g, const Bf16* images, Index first, Index count, Bf16* to) {
  const Padded p = padded(g);
  const Index run = g.kw * g.c;
  for (Index pixel = first; pixel < first + count; ++pixel) {
    const Index image = pixel / (g.oh * g.ow), i = pixel / g.ow % g.oh, j = pixel % g.ow;
    const Bf16* from = images + image * p.image + i * g.stride_h * p.line + j * g.stride_w * g.c;
    for (Index a = 0; a < g.kh; ++a, from += p.line) {
      __builtin_memcpy(to, from, static_cast<std::size_t>(run) * sizeof(Bf16));
      to += run;
    }
    if (g.kh * run % 2 != 0) *to++ = 0;
  }
}

Vec multiply(Vec sum, std::int32_t a, const float* b) {
  return _mm512_dpbf16_ps(sum, __m512bh(_mm512_set1_epi32(a)), __m512bh(_mm512_loadu_si512(b)));
}

template <int MR, int NV>
void pair_tile(const Tile& t, const std::int32_t* a) {
  Accumulators<MR, NV> acc{};
  const float* b = t.b;
  for (Index k = 0; k < t.k; ++k, b += NV * kLanes) {
#pragma GCC unroll 32
    for (int m = 0; m < MR; ++m) {
#pragma GCC unroll 2
      for (int v = 0; v < NV; ++v) acc.z[m][v] = multiply(acc.z[m][v], a[m * t.ams + k], b + v * kLanes);
    }
  }
  const Index tail = t.columns - (NV - 1) * kLanes;
  finish(
      acc, t,
      [&](const float* p, int v) {
        return v == NV - 1 ? load_part(p + v * kLanes, tail) : load(p + v * kLanes);
      },
      [&](float* p, Vec z, int v) {
        if (v == NV - 1) {
          store_part(p + v * kLanes, z, tail);
        } else {
          store(p + v * kLanes, z);
        }
      });
}

using PairTile = void (*)(const Tile&, const std::int32_t*);
template <int NV, int last, int... rows>
struct PairTiles : PairTiles<NV, last - 1, last, rows...> {};
template <int NV, int... rows>
struct PairTiles<NV, 0, rows...> {
  static constexpr PairTile kernels[] = {pair_tile<rows, NV>...};
};

/// Rows of a tile: enough to hide the instruction's latency, few enough to stay in registers.
constexpr Index kPairRows = 12;

void product(const ConvGeometry& g, Index pixels, const Bf16* gathered, const float* packed,
             const Epilogue& epilogue, Index at, float* y) {
  Tile t{};
  t.k = t.ams = pairs_of(g);
  t.ldc = g.oc;
  const auto* a = reinterpret_cast<const std::int32_t*>(gathered);
  for (Index j = 0; j < g.oc; j += kPanel) {
    t.columns = smaller(g.oc - j, kPanel);
    t.b = packed + j * t.k;
    for_each_tile(pixels, kPairRows, [&](Index first, Index rows) {
      const Index to = at + first * g.oc + j;
      t.c = y + to;
      t.epilogue = epilogue_at(epilogue, to, j);
      const PairTile kernel = t.columns > kLanes ? PairTiles<2, kPairRows>::kernels[rows - 1]
                                                 : PairTiles<1, kPairRows>::kernels[rows - 1];
      kernel(t, a + first * t.ams);
    });
  }
}

void forward(const ConvGeometry& g, Index n, const real* x, const real* packed, const Epilogue& epilogue,
             real* y, real* memory) {
  const Index pixels = g.oh * g.ow, together = images_together(g, n);
  if (n * pixels * g.oc == 0) return;
  auto* const images = reinterpret_cast<Bf16*>(memory);
  auto* const gathered = reinterpret_cast<Bf16*>(memory + floats_for(together * padded(g).image));
  for (Index i = 0; i < n; i += together) {
    const Index count = smaller(together, n - i);
    pad_images(g, count, x + i * g.h * g.w * g.c, images);
    for_each_tile(count * pixels, kPixels, [&](Index first, Index rows) {
      gather(g, images, first, rows, gathered);
      product(g, rows, gathered, packed, epilogue, (i * pixels + first) * g.oc, y);
    });
  }
  activate_rows(epilogue, n * pixels, g.oc, y, g.oc);
}

constexpr int kChains = 24;  // as many sums as hide the instruction's latency

float multiply_pairs(Index rounds) {
  Vec x[kChains];
  const float ones = 1;
  const Vec other = broadcast(ones);
  for (int v = 0; v < kChains; ++v) x[v] = broadcast(static_cast<float>(v));
  for (Index r = 0; r < rounds; ++r) {
#pragma GCC unroll 24
    for (int v = 0; v < kChains; ++v)
      x[v] = multiply(x[v], 0x3f803f80, reinterpret_cast<const float*>(&other));
  }
  Vec sum{};
  for (int v = 0; v < kChains; ++v) sum += x[v];
  return sum_lanes(sum);
}

}  // namespace

extern const PairKernels pairs;
const PairKernels pairs{weight_count, pack, scratch, forward, Index{kChains} * kLanes * 2, multiply_pairs};

}  // namespace firn::FIRN_ISA_SPACE
