#include "tools/app/report/png.h"

#define STB_IMAGE_WRITE_IMPLEMENTATION
#define STB_IMAGE_WRITE_STATIC
#define STBI_WRITE_NO_STDIO
#if defined(__GNUC__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"
#endif
#include <stb/stb_image_write.h>
#if defined(__GNUC__)
#pragma GCC diagnostic pop
#endif

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "engine/base/error.h"

namespace firn::cli::report {

std::string png(std::span<const real> pixels, Index height, Index width, Index channels) {
  constexpr Index kMostSide = 1 << 20;
  const bool known = (channels == 1 || channels == 3) && height >= 1 && width >= 1 && height <= kMostSide &&
                     width <= kMostSide;
  if (!known || static_cast<Index>(pixels.size()) != height * width * channels) {
    throw Error(Fault::failure, "png",
                fmt::format("{} numbers for ({},{},{})", pixels.size(), height, width, channels));
  }
  std::vector<std::uint8_t> bytes(pixels.size());
  std::transform(pixels.begin(), pixels.end(), bytes.begin(), [](real value) {
    return value > 0 ? static_cast<std::uint8_t>(std::lround(std::min<real>(value, 1) * 255))
                     : std::uint8_t{0};
  });
  std::string file;
  const auto append = [](void* to, void* data, int size) {
    static_cast<std::string*>(to)->append(static_cast<const char*>(data), static_cast<std::size_t>(size));
  };
  const int done =
      stbi_write_png_to_func(append, &file, static_cast<int>(width), static_cast<int>(height),
                             static_cast<int>(channels), bytes.data(), static_cast<int>(width * channels));
  if (done == 0) throw Error(Fault::failure, "png", "the encoder failed");
  return file;
}

}  // namespace firn::cli::report
