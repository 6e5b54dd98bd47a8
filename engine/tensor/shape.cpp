#include "engine/tensor/shape.h"

#include <fmt/core.h>

#include "engine/base/error.h"

namespace firn {

Shape::Shape(std::span<const Index> sizes) {
  if (sizes.size() > static_cast<std::size_t>(kMaxRank)) {
    throw Error(Fault::usage, "shape",
                fmt::format("{} dimensions, at most {} are supported", sizes.size(), kMaxRank));
  }
  Index total = 1;
  for (const Index size : sizes) {
    sizes_[static_cast<std::size_t>(rank_++)] = size;
    if (size < 0) throw Error(Fault::usage, "shape", fmt::format("{} has a negative size", text()));
    if (__builtin_mul_overflow(total, size, &total) || total > (Index{1} << 48)) {
      throw Error(Fault::usage, "shape", fmt::format("{} has too many elements", text()));
    }
  }
}

Index Shape::count() const {
  return count_from(0);
}

Index Shape::count_from(int first) const {
  Index total = 1;
  for (int i = first; i < rank_; ++i) total *= (*this)[i];
  return total;
}

Shape Shape::with(int axis, Index size) const {
  Shape other = *this;
  other.sizes_[static_cast<std::size_t>(axis < 0 ? axis + rank_ : axis)] = size;
  return other;
}

Shape Shape::tail(int first) const {
  return Shape(sizes().subspan(static_cast<std::size_t>(first)));
}

std::string Shape::text() const {
  std::string s = "(";
  for (int i = 0; i < rank_; ++i) s += (i > 0 ? "," : "") + std::to_string((*this)[i]);
  return s + ")";
}

}  // namespace firn
