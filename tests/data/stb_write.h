// Pictures for tests, made by stb_image_write.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace firn::test {

/// A file of RGB (or grey, channels = 1) pixels.
std::vector<std::byte> make_png(int width, int height, int channels, const std::vector<std::uint8_t>& pixels);
std::vector<std::byte> make_jpeg(int width, int height, int channels,
                                 const std::vector<std::uint8_t>& pixels);

}  // namespace firn::test
