#include "engine/kernels/bf16.h"

#include <bit>
#include <cfloat>

#include "engine/kernels/naive/epilogue.h"

namespace firn::naive {

namespace {

Bf16 narrowed(float x) {
  const auto bits = std::bit_cast<std::uint32_t>(x);
  if (x != x) return static_cast<Bf16>((bits >> 16) | 0x40);
  return static_cast<Bf16>((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

float widened(Bf16 x) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(x) << 16);
}

void narrow(Index count, const real* x, Bf16* y) {
  for (Index i = 0; i < count; ++i) y[i] = narrowed(static_cast<float>(x[i]));
}

void widen(Index count, const Bf16* x, real* y) {
  for (Index i = 0; i < count; ++i) y[i] = widened(x[i]);
}

void round(Index count, const real* x, real* y) {
  for (Index i = 0; i < count; ++i) y[i] = widened(narrowed(static_cast<float>(x[i])));
}

// Pairs.

Index weight_count(const ConvGeometry& g) {
  return g.weight_count();
}

void pack(const ConvGeometry& g, const real* weight, real* packed) {
  round(g.weight_count(), weight, packed);
}

Index no_scratch(const ConvGeometry&, Index) {
  return 0;
}

float without_subnormals(float x) {
  return x > -FLT_MIN && x < FLT_MIN ? x * 0 : x;
}

/// One output, before the epilogue.
float sum_of_pairs(const ConvGeometry& g, const real* x, Index row, Index column, const real* w) {
  const Index depth = g.kh * g.kw * g.c;
  const auto product_onto = [&](float sum, Index k) {
    if (k >= depth) return sum;
    const Index a = k / (g.kw * g.c), b = k / g.c % g.kw, i = row + a, j = column + b;
    const bool inside = i >= 0 && i < g.h && j >= 0 && j < g.w;
    const float value = inside ? widened(narrowed(static_cast<float>(x[(i * g.w + j) * g.c + k % g.c]))) : 0;
    const auto weight = static_cast<float>(w[k * g.oc]);
    return without_subnormals(std::fma(without_subnormals(value), without_subnormals(weight), sum));
  };
  float sum = 0;
  for (Index k = 0; k < depth; k += 2) sum = product_onto(product_onto(sum, k + 1), k);
  return sum;
}

void forward(const ConvGeometry& g, Index n, const real* x, const real* packed, const Epilogue& epilogue,
             real* y, real*) {
  for (Index image = 0; image < n; ++image) {
    for (Index i = 0; i < g.oh; ++i) {
      for (Index j = 0; j < g.ow; ++j) {
        const Index at = ((image * g.oh + i) * g.ow + j) * g.oc;
        for (Index o = 0; o < g.oc; ++o) {
          y[at + o] = sum_of_pairs(g, x + image * g.h * g.w * g.c, i * g.stride_h - g.pad_h,
                                   j * g.stride_w - g.pad_w, packed + o);
        }
        finish_row(epilogue, at, g.oc, y + at);
      }
    }
  }
}

}  // namespace

extern const Bf16Kernels bf16;
const Bf16Kernels bf16{narrow, widen, round};

constexpr Index kPairChains = 2;

real multiply_pairs(Index rounds) {
  float sum = 1;
  for (Index r = 0; r < rounds; ++r) sum = std::fma(0.5F, 1.0F, std::fma(0.25F, 1.0F, sum));
  return sum;
}

extern const PairKernels pairs;
const PairKernels pairs{weight_count, pack, no_scratch, forward, kPairChains, multiply_pairs};

}  // namespace firn::naive
