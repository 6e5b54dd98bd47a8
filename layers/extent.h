// Height and width of a kernel, stride or border.
#pragma once

#include <string>

#include "engine/base/real.h"

namespace firn {

/// `3` for both, or `{1, 5}`.
struct Extent {
  Index h, w;
  Extent(int both) : h(both), w(both) {}  // NOLINT: a number stands for both
  Extent(Index both) : h(both), w(both) {}
  Extent(Index height, Index width) : h(height), w(width) {}

  friend bool operator==(const Extent&, const Extent&) = default;
  bool is(Index both) const { return h == both && w == both; }
  /// "3x3"
  std::string text() const { return std::to_string(h) + "x" + std::to_string(w); }
  /// "2" where both are the same, else "2x1"
  std::string brief() const { return h == w ? std::to_string(h) : text(); }
};

}  // namespace firn
