// A picture as bytes, and how large one may be.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/base/real.h"

namespace firn {

/// Pixels (height, width, channels), a byte each.
struct ByteImage {
  Index height = 0;
  Index width = 0;
  Index channels = 3;
  std::vector<std::uint8_t> pixels;
};

constexpr Index kMaxSide = 16384;             ///< of a picture that is decoded
constexpr Index kMaxPixels = Index{1} << 26;  ///< 67 million

}  // namespace firn
