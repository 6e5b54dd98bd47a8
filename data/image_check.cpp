#include "data/image_check.h"

#include <fmt/core.h>
#include <zlib.h>

#include <algorithm>
#include <limits>

namespace firn {

namespace {

/// Huffman tables, T.81 B.2.4.2: of each a class and number, sixteen counts, and so many symbols. The decoder
/// trusts that the counts of a table are together at most 256.
void check_huffman(std::span<const std::byte> body, const ByteReader& reader, std::uint64_t start) {
  constexpr std::size_t kHead = 17;
  while (!body.empty()) {
    std::size_t symbols = 0;
    for (std::size_t i = 1; i < std::min(kHead, body.size()); ++i)
      symbols += std::to_integer<std::size_t>(body[i]);
    if (symbols > 256 || body.size() < kHead + symbols)
      reader.fail_at(start, "a JPEG Huffman table is damaged");
    body = body.subspan(kHead + symbols);
  }
}

}  // namespace

void check_png(ByteReader& reader) {
  constexpr std::uint64_t kSignature = 0x89504e470d0a1a0a;
  if (reader.big<std::uint64_t>() != kSignature) reader.fail_at(0, "no PNG signature");
  for (bool first = true;; first = false) {
    const std::uint64_t start = reader.offset();
    const auto length = reader.big<std::uint32_t>();
    if (length > std::uint32_t{std::numeric_limits<std::int32_t>::max()})
      reader.fail_at(start, "a PNG chunk is too long");
    const auto body = reader.take(std::uint64_t{4} + length);
    const std::string_view type = as_text(body.first(4));
    const auto crc = crc32(0, reinterpret_cast<const Bytef*>(body.data()), static_cast<uInt>(body.size()));
    if (reader.big<std::uint32_t>() != crc) reader.fail_at(start, "a PNG chunk is damaged (CRC)");
    if (first && type != "IHDR") reader.fail_at(start, "a PNG must begin with IHDR");
    if (type == "IEND") return;
  }
}

void check_jpeg(ByteReader& reader) {
  constexpr int kStart = 0xd8;
  constexpr int kEnd = 0xd9;
  constexpr int kScan = 0xda;
  constexpr int kHuffman = 0xc4;
  const auto byte = [&reader] { return int{reader.big<std::uint8_t>()}; };
  if (byte() != 0xff || byte() != kStart) reader.fail_at(0, "no JPEG start marker");
  bool scanned = false;
  if (byte() != 0xff) reader.fail("no JPEG marker where one must stand");
  for (;;) {
    int marker = byte();
    while (marker == 0xff) marker = byte();
    if (marker == kEnd) break;
    const auto length = reader.big<std::uint16_t>();
    if (length < 2) reader.fail("a JPEG segment without length");
    const std::uint64_t start = reader.offset();
    const auto body = reader.take(length - 2u);
    if (marker == kHuffman) check_huffman(body, reader, start);
    if (marker != kScan) {
      if (byte() != 0xff) reader.fail("no JPEG marker where one must stand");
      continue;
    }
    scanned = true;
    // In coded data 0xff is followed by 0 or by a restart marker; anything else ends the scan.
    for (bool inside = true; inside;) {
      while (byte() != 0xff) {
      }
      const std::uint64_t at = reader.offset();
      int next = byte();
      while (next == 0xff) next = byte();
      inside = next == 0 || (next >= 0xd0 && next <= 0xd7);
      if (!inside) reader.seek(at);
    }
  }
  if (!scanned) reader.fail("a JPEG without a picture");
}

}  // namespace firn
