#include "engine/kernels/peak.h"

namespace firn::naive {

namespace {

constexpr Index kChains = 8;

real multiply_add(Index rounds, real factor, real summand) {
  real x[kChains];
  for (Index i = 0; i < kChains; ++i) x[i] = static_cast<real>(i + 1);
  for (Index r = 0; r < rounds; ++r) {
    for (Index i = 0; i < kChains; ++i) x[i] = x[i] * factor + summand;
  }
  real sum = 0;
  for (Index i = 0; i < kChains; ++i) sum += x[i];
  return sum;
}

void copy(Index count, const real* x, real* y) {
  for (Index i = 0; i < count; ++i) y[i] = x[i];
}

void triad(Index count, real alpha, const real* x1, const real* x2, real* y) {
  for (Index i = 0; i < count; ++i) y[i] = x1[i] + alpha * x2[i];
}

}  // namespace

extern const PeakKernels peak;
const PeakKernels peak{kChains, multiply_add, copy, triad};

}  // namespace firn::naive
