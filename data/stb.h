// The one door to stb_image, which says of itself that it is not for untrusted files: PNG and JPEG from
// memory only.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace firn {

/// The size that the file claims.
struct StbSize {
  int width = 0;
  int height = 0;
};

/// RGB pixels, row by row; empty when decoding fails or gives another size.
std::vector<std::uint8_t> stb_decode_rgb(std::span<const std::byte> bytes, StbSize size);
/// Why the last call on this thread failed.
std::string stb_reason();

}  // namespace firn
