#include "engine/kernels/peak.h"

#include "engine/kernels/simd/vec.h"

namespace firn::FIRN_ISA_SPACE {

namespace {

// Two units of latency 4 to 5 want ten vectors on their way; factor and summand take two registers more.
#if defined(__AVX512F__) || defined(__aarch64__)
constexpr Index kVectors = 24;
#else
constexpr Index kVectors = 12;
#endif

float multiply_add(Index rounds, float factor, float summand) {
  Vec x[kVectors];
  for (Index v = 0; v < kVectors; ++v) {
    for (Index lane = 0; lane < kLanes; ++lane) x[v][lane] = static_cast<float>(v * kLanes + lane + 1);
  }
  const Vec factors = broadcast(factor);
  const Vec summands = broadcast(summand);
  for (Index r = 0; r < rounds; ++r) {
#pragma GCC unroll 24
    for (Index v = 0; v < kVectors; ++v) x[v] = x[v] * factors + summands;
  }
  Vec sum{};
  for (Index v = 0; v < kVectors; ++v) sum += x[v];
  return sum_lanes(sum);
}

void triad(Index count, float alpha, const float* x1, const float* x2, float* y) {
  Index i = 0;
  for (; i + kLanes <= count; i += kLanes) store(y + i, load(x1 + i) + alpha * load(x2 + i));
  if (i < count) {
    const Index n = count - i;
    store_part(y + i, load_part(x1 + i, n) + alpha * load_part(x2 + i, n), n);
  }
}

}  // namespace

extern const PeakKernels peak;
const PeakKernels peak{kVectors * kLanes, multiply_add, copy_floats, triad};

}  // namespace firn::FIRN_ISA_SPACE
