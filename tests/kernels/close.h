// Real-valued data and tolerances for the kernel tests; guarded.h has the exact ones.
#pragma once

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "tests/kernels/guarded.h"

namespace firn {

/// Sizes on both sides of every vector width and of the unrolled loops.
inline const std::vector<Index> kSizes{0,  1,  3,  4,  5,  7,  8,  9,   15,  16,  17,
                                       31, 32, 33, 63, 64, 65, 70, 127, 200, 1100};

/// The naive kernels and every fast set of this processor.
inline std::vector<Isa> all_sets() {
  std::vector<Isa> sets = fast_sets();
  sets.insert(sets.begin(), Isa::naive);
  return sets;
}

/// Numbers in [low, high) that depend on `seed` alone.
inline Guarded& fill_real(Guarded& block, std::uint32_t seed, double low, double high) {
  std::uint64_t state = seed * 0x9E3779B97F4A7C15ull + 1;
  for (Index i = 0; i < block.count(); ++i) {
    state = state * 6364136223846793005ull + 1442695040888963407ull;
    block[i] = static_cast<real>(low + (high - low) * static_cast<double>(state >> 40) * 0x1p-24);
  }
  return block;
}

inline Guarded random_block(Index count, std::uint32_t seed, double low = -1, double high = 1,
                            Index shift = 0) {
  Guarded block(count, shift);
  return fill_real(block, seed, low, high);
}

/// The greatest |got - want| / (absolute + |want|); NaN only where both are. A NaN that is not wanted gives
/// infinity.
template <class Want>
double worst_error(const Guarded& got, const Want& want, double absolute) {
  double worst = 0;
  for (Index i = 0; i < got.count(); ++i) {
    const auto g = static_cast<double>(got[i]);
    const auto w = static_cast<double>(want[static_cast<std::size_t>(i)]);
    if (g == w || (std::isnan(g) && std::isnan(w))) continue;
    const double error = std::abs(g - w) / (absolute + std::abs(w));
    if (!(error <= worst)) worst = std::isnan(error) ? std::numeric_limits<double>::infinity() : error;
  }
  return worst;
}

inline double worst_error(const Guarded& got, const Guarded& want, double absolute) {
  std::vector<double> values(want.data(), want.data() + want.count());
  return worst_error(got, values, absolute);
}

/// The greatest |x|.
inline double largest_magnitude(const Guarded& x) {
  double top = 0;
  for (Index i = 0; i < x.count(); ++i) top = std::max(top, std::abs(static_cast<double>(x[i])));
  return top;
}

/// How far `got` is from `want` in units of the last place of a float there.
inline double ulp_error(float got, double want) {
  if (std::isnan(want)) return std::isnan(got) ? 0 : std::numeric_limits<double>::infinity();
  const auto rounded = static_cast<float>(want);
  if (got == rounded) return 0;
  if (!std::isfinite(rounded) || !std::isfinite(got)) return std::numeric_limits<double>::infinity();
  const double unit = std::max(0x1p-149, std::ldexp(1.0, std::ilogb(want != 0 ? want : 0x1p-149) - 23));
  return std::abs(static_cast<double>(got) - want) / unit;
}

}  // namespace firn
