#include "data/stb.h"

#include <cstdlib>

// The decoder keeps its Huffman tables in memory it does not clear and reads one that a damaged file never
// defined: with cleared memory such a file decodes the same way every time. Its assertions would end the
// program over such a file.
#define STBI_MALLOC(size) std::calloc(1, size)
#define STBI_REALLOC(block, size) std::realloc(block, size)
#define STBI_FREE(block) std::free(block)
#define STBI_ASSERT(condition) static_cast<void>(0)
#define STB_IMAGE_IMPLEMENTATION
#define STB_IMAGE_STATIC
#define STBI_NO_STDIO
#define STBI_NO_LINEAR
#define STBI_NO_HDR
#define STBI_ONLY_PNG
#define STBI_ONLY_JPEG
#define STBI_MAX_DIMENSIONS 16384
#if defined(__GNUC__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"
#endif
#include <stb/stb_image.h>
#if defined(__GNUC__)
#pragma GCC diagnostic pop
#endif

#include <memory>

namespace firn {

namespace {

const stbi_uc* data_of(std::span<const std::byte> bytes) {
  return reinterpret_cast<const stbi_uc*>(bytes.data());
}

}  // namespace

std::vector<std::uint8_t> stb_decode_rgb(std::span<const std::byte> bytes, StbSize size) {
  int width = 0;
  int height = 0;
  int channels = 0;
  constexpr int kRgb = 3;
  const std::unique_ptr<stbi_uc, void (*)(void*)> pixels(
      stbi_load_from_memory(data_of(bytes), static_cast<int>(bytes.size()), &width, &height, &channels, kRgb),
      stbi_image_free);
  if (pixels == nullptr || width != size.width || height != size.height) return {};
  const auto count = static_cast<std::size_t>(width) * static_cast<std::size_t>(height) * kRgb;
  return {pixels.get(), pixels.get() + count};
}

std::string stb_reason() {
  const char* reason = stbi_failure_reason();
  return reason != nullptr ? std::string("cannot be decoded: ") + reason : "cannot be decoded";
}

}  // namespace firn
