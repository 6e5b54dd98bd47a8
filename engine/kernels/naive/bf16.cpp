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

}  // namespace

extern const Bf16Kernels bf16;
const Bf16Kernels bf16{narrow, widen, round};

}  // namespace firn::naive
