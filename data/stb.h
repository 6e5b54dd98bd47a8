// The one door to stb_image, which says of itself that it is not for untrusted files: PNG and JPEG from
// memory only.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace firn {

struct StbSize {
  int width = 0;
  int height = 0;
};

/// The size that the file claims; 0 × 0 when it cannot be read.
StbSize stb_size(std::span<const std::byte> bytes);
/// RGB pixels, row by row; empty when decoding fails or gives another size.
std::vector<std::uint8_t> stb_decode_rgb(std::span<const std::byte> bytes, StbSize size);
/// Why the last call on this thread failed.
std::string stb_reason();

}  // namespace firn
