#include "tests/data/stb_write.h"

#define STB_IMAGE_WRITE_IMPLEMENTATION
#define STB_IMAGE_WRITE_STATIC
#define STBI_WRITE_NO_STDIO
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"
#include <stb/stb_image_write.h>
#pragma GCC diagnostic pop

namespace firn::test {

namespace {

void append(void* to, void* data, int size) {
  const auto* first = static_cast<const std::byte*>(data);
  static_cast<std::vector<std::byte>*>(to)->insert(static_cast<std::vector<std::byte>*>(to)->end(), first,
                                                   first + size);
}

}  // namespace

std::vector<std::byte> make_png(int width, int height, int channels,
                                const std::vector<std::uint8_t>& pixels) {
  std::vector<std::byte> file;
  stbi_write_png_to_func(append, &file, width, height, channels, pixels.data(), width * channels);
  return file;
}

std::vector<std::byte> make_jpeg(int width, int height, int channels,
                                 const std::vector<std::uint8_t>& pixels) {
  std::vector<std::byte> file;
  constexpr int kQuality = 95;
  stbi_write_jpg_to_func(append, &file, width, height, channels, pixels.data(), kQuality);
  return file;
}

}  // namespace firn::test
