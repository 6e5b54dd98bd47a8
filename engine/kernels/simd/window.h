// Which outputs of a sliding window meet which inputs, and the loop over channels in vectors.
#pragma once

#include "engine/kernels/simd/vec.h"

namespace firn::FIRN_ISA_SPACE {

/// Positions [first, last) along one axis.
struct Range {
  Index first, last;
};

/// ceil(a / b) for b > 0, and 0 for a < 0.
constexpr Index divide_up(Index a, Index b) {
  return a > 0 ? (a + b - 1) / b : 0;
}

/// The taps of a window of k that begins at `start` which lie inside of the input.
constexpr Range taps_inside(Index start, Index k, Index size) {
  return {larger(0, -start), smaller(k, size - start)};
}

/// Outputs whose tap lies inside of the input.
constexpr Range outputs_of_tap(Index tap, Index size, Index out, Index stride, Index pad) {
  const Index last = size - 1 + pad - tap;
  return {divide_up(pad - tap, stride), last < 0 ? 0 : smaller(out, last / stride + 1)};
}

/// Outputs that read input i.
constexpr Range outputs_of_input(Index i, Index k, Index out, Index stride, Index pad) {
  return {divide_up(i + pad - k + 1, stride), smaller(out, (i + pad) / stride + 1)};
}

/// Calls f(first channel, how many, load) for vectors of channels.
template <class F>
static inline void for_channels(Index channels, const F& f) {
  Index c = 0;
  for (; c + kLanes <= channels; c += kLanes) f(c, kLanes, [](const float* p) { return load(p); });
  const Index rest = channels - c;
  if (rest > 0) f(c, rest, [rest](const float* p) { return load_part(p, rest); });
}

}  // namespace firn::FIRN_ISA_SPACE
