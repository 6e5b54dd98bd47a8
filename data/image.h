// One picture: decoded, resized.
#pragma once

#include <cstdint>
#include <span>
#include <string>
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

constexpr Index kMaxSide = 8192;              ///< of a picture that is decoded
constexpr Index kMaxPixels = Index{1} << 25;  ///< 33 million

/// Decodes PNG or JPEG to RGB; grey and palette become RGB, transparency is dropped. The structure of the
/// file is checked first (PNG: chunks and their CRCs; JPEG: segments up to the end marker), because the
/// decoder itself lets damaged and cut files pass. Throws Error(data) with `path` for anything else and for
/// pictures over the caps.
ByteImage decode_image(std::span<const std::byte> bytes, const std::string& path);

/// The picture scaled so that its shorter side is `size` pixels long, and of that the middle size × size
/// pixels. The filter is a triangle as wide as the step between samples when shrinking, one pixel when
/// enlarging (bilinear).
ByteImage resize_crop(const ByteImage& image, Index size);

}  // namespace firn
