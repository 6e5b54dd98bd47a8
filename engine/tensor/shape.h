// Sizes of a tensor's dimensions.
#pragma once

#include <array>
#include <initializer_list>
#include <span>
#include <string>

#include "engine/base/real.h"

namespace firn {

/// Up to six sizes, outermost first; row-major and contiguous. A scalar has rank 0 and count 1.
/// Letters used everywhere: N batch, H W image, C channels, K kernel, T time, F features.
class Shape {
 public:
  static constexpr int kMaxRank = 6;

  Shape() = default;
  /// Throws Error(usage) on a negative size, a rank over six, or more than 2^48 elements.
  Shape(std::initializer_list<Index> sizes) : Shape(std::span<const Index>(sizes.begin(), sizes.size())) {}
  explicit Shape(std::span<const Index> sizes);

  int rank() const { return rank_; }
  /// Size of dimension `axis`; negative counts from the end. Requires -rank <= axis < rank.
  Index operator[](int axis) const {
    return sizes_[static_cast<std::size_t>(axis < 0 ? axis + rank_ : axis)];
  }
  /// Number of elements.
  Index count() const;
  /// Elements of the dimensions [first, rank).
  Index count_from(int first) const;
  std::span<const Index> sizes() const { return {sizes_.data(), static_cast<std::size_t>(rank_)}; }
  /// The same sizes with dimension `axis` set to `size`.
  Shape with(int axis, Index size) const;
  /// The dimensions [first, rank) alone.
  Shape tail(int first) const;

  /// "(8,28,28,3)"
  std::string text() const;

  friend bool operator==(const Shape&, const Shape&) = default;

 private:
  std::array<Index, kMaxRank> sizes_{};
  int rank_ = 0;
};

}  // namespace firn
