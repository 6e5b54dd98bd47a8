// Counter-based random numbers: nothing but integers is ever state.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "engine/base/real.h"

namespace firn {

/// Philox4x32-10: four random words that are a pure function of counter and key.
/// Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as 1, 2, 3", SC 2011, section 4.3.
std::array<std::uint32_t, 4> philox(std::array<std::uint32_t, 4> counter, std::array<std::uint32_t, 2> key);

/// A stream of random numbers named by (seed, purpose, epoch). Two streams of different names are
/// independent; the same name gives the same numbers on every machine and any number of threads.
class Random {
 public:
  Random(std::uint64_t seed, std::string_view purpose, std::uint64_t epoch = 0);

  /// 32 random bits.
  std::uint32_t bits();
  /// A number in [0, n), without bias (Lemire 2019); n > 0.
  std::uint32_t below(std::uint32_t n);
  /// Uniform in [0, 1), 24 bits.
  double uniform();
  /// Uniform in [low, high).
  double uniform(double low, double high) { return low + (high - low) * uniform(); }
  /// Standard normal (Box and Muller 1958).
  double normal();
  /// The 32 bits at a place of the stream, whatever was drawn before.
  std::uint32_t at(std::uint64_t index) const;

  /// The key that (seed, purpose) stand for; what kernels that draw by element take.
  std::array<std::uint32_t, 2> key() const { return key_; }

 private:
  std::array<std::uint32_t, 2> key_;
  std::uint64_t epoch_;
  std::uint64_t next_ = 0;
};

/// Shuffles items[0..n) in place (Fisher and Yates), with numbers from `random`.
template <class T>
void shuffle(T* items, Index n, Random& random) {
  for (Index i = n; i > 1; --i) {
    const auto j = static_cast<Index>(random.below(static_cast<std::uint32_t>(i)));
    T other = items[i - 1];
    items[i - 1] = items[j];
    items[j] = other;
  }
}

}  // namespace firn
