// Data for the kernel tests: small integers, so that every sum is exact, between guards that nobody may
// touch.
#pragma once

#include <cmath>
#include <cstring>
#include <initializer_list>
#include <limits>
#include <vector>

#include "engine/kernels/kernels.h"

namespace firn {

/// The instruction sets that are compared with the naive kernels on this processor.
inline std::vector<Isa> fast_sets() {
  std::vector<Isa> sets;
  for (const Isa isa : kIsas) {
    if (isa != Isa::naive && isa_available(isa)) sets.push_back(isa);
  }
  return sets;
}

/// A block of `count` elements with NaN before and behind it: what is read there spoils the result, what is
/// written there is seen by `intact`. The block begins 64-byte aligned plus `shift` elements.
class Guarded {
 public:
  explicit Guarded(Index count, Index shift = 0) : count_(count) {
    const std::size_t size = static_cast<std::size_t>(count + 2 * kGuard + 32);
    memory_.assign(size, std::numeric_limits<real>::quiet_NaN());
    const auto address = reinterpret_cast<std::uintptr_t>(memory_.data() + kGuard);
    begin_ = kGuard + static_cast<Index>((64 - address % 64) % 64 / sizeof(real)) + shift;
    for (Index i = 0; i < count; ++i) data()[i] = 0;
  }

  real* data() { return memory_.data() + begin_; }
  const real* data() const { return memory_.data() + begin_; }
  Index count() const { return count_; }
  real operator[](Index i) const { return data()[i]; }
  real& operator[](Index i) { return data()[i]; }

  /// Fills it with integers in [-range, range] that depend on `seed` alone.
  Guarded& fill(std::uint32_t seed, int range = 3) {
    std::uint32_t state = seed * 2654435761u + 12345u;
    for (Index i = 0; i < count_; ++i) {
      state = state * 1664525u + 1013904223u;
      data()[i] = static_cast<real>(
          static_cast<int>((state >> 16) % static_cast<std::uint32_t>(2 * range + 1)) - range);
    }
    return *this;
  }

  bool intact() const {
    for (Index i = 0; i < static_cast<Index>(memory_.size()); ++i) {
      if ((i < begin_ || i >= begin_ + count_) && !std::isnan(memory_[static_cast<std::size_t>(i)]))
        return false;
    }
    return true;
  }

  /// The same values, a NaN equal to a NaN and -0 to 0.
  bool equals(const Guarded& other) const {
    if (count_ != other.count_) return false;
    for (Index i = 0; i < count_; ++i) {
      const real a = data()[i], b = other.data()[i];
      if (!(a == b || (std::isnan(a) && std::isnan(b)))) return false;
    }
    return true;
  }

 private:
  static constexpr Index kGuard = 64;
  Index count_, begin_ = 0;
  std::vector<real> memory_;
};

}  // namespace firn
