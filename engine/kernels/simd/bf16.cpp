#include "engine/kernels/bf16.h"

#include "engine/kernels/simd/halves.h"

namespace firn::FIRN_ISA_SPACE {

namespace {

void narrow(Index count, const float* x, Bf16* y) {
  Index i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    store_halves(y + i, low_halves(nearest(load(x + i))));
  }
  if (i == count) return;
  const VecBits rest = nearest(load_part(x + i, count - i));
  for (Index k = 0; i + k < count; ++k) y[i + k] = static_cast<Bf16>(rest[k]);
}

void widen(Index count, const Bf16* x, float* y) {
  Index i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    store(y + i, widened(widen_halves(load_halves(x + i))));
  }
  for (; i < count; ++i) y[i] = __builtin_bit_cast(float, std::uint32_t{x[i]} << 16);
}

void round(Index count, const float* x, float* y) {
  Index i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    store(y + i, widened(nearest(load(x + i))));
  }
  if (i < count) {
    store_part(y + i, widened(nearest(load_part(x + i, count - i))), count - i);
  }
}

}  // namespace

extern const Bf16Kernels bf16;
const Bf16Kernels bf16{narrow, widen, round};

}  // namespace firn::FIRN_ISA_SPACE
