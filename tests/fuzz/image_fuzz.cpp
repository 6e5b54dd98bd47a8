// Any bytes: they are read, or refused with Error(data); and so is what stands in their EXIF. The checksums
// of a PNG's chunks are made right, or nothing behind them would ever be reached.
#include <zlib.h>

#include <vector>

#include "data/exif.h"
#include "data/image.h"
#include "tests/fuzz/fuzz.h"

namespace {

/// Writes the checksum of every chunk that lies within the bytes.
void seal(std::vector<std::uint8_t>& bytes) {
  constexpr std::size_t kSignature = 8, kAround = 12;
  for (std::size_t at = kSignature; at + kAround <= bytes.size();) {
    std::size_t length = 0;
    for (std::size_t i = 0; i < 4; ++i) length = length << 8 | bytes[at + i];
    if (length > bytes.size() - at - kAround) return;
    const auto crc = crc32(0, bytes.data() + at + 4, static_cast<uInt>(length + 4));
    for (std::size_t i = 0; i < 4; ++i)
      bytes[at + 8 + length + i] = static_cast<std::uint8_t>(crc >> (24 - 8 * i));
    at += kAround + length;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::vector<std::uint8_t> sealed(data, data + size);
  if (size > 0 && data[0] == 0x89) seal(sealed);
  return firn::test::fuzz(sealed.data(), size, [](auto bytes) {
    const int orientation = firn::exif_orientation(bytes);
    if (orientation < 1 || orientation > 8) std::abort();
    firn::decode_image(bytes, "fuzz");
  });
}
