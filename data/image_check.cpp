#include "data/image_check.h"

#include <fmt/core.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <limits>
#include <vector>

#include "data/byte_image.h"
#include "data/exif.h"

namespace firn {

namespace {

void check_size(const PictureHeader& header, const ByteReader& reader, std::uint64_t at) {
  if (header.height < 1 || header.width < 1)
    reader.fail_at(at, fmt::format("a picture of {} x {} pixels", header.width, header.height));
  if (header.width > kMaxSide || header.height > kMaxSide || header.width * header.height > kMaxPixels) {
    reader.fail_at(at, fmt::format("{} x {} pixels are more than are read (a side of {}, {} in all): make "
                                   "the picture smaller",
                                   header.width, header.height, kMaxSide, kMaxPixels));
  }
}

/// A PNG's IHDR, and the bytes that its pixels take before they are packed, with one a row for its filter.
struct PngLayout {
  PictureHeader header;
  std::uint64_t raw = 0;
};

PngLayout read_ihdr(std::span<const std::byte> body, const ByteReader& outer, std::uint64_t start) {
  ByteReader reader(body, Fault::data, "image", outer.path());
  constexpr std::size_t kLength = 13;
  if (body.size() != kLength) outer.fail_at(start, fmt::format("IHDR of {} bytes, want 13", body.size()));
  const auto width = reader.big<std::uint32_t>();
  const auto height = reader.big<std::uint32_t>();
  const int depth = reader.big<std::uint8_t>();
  const int color = reader.big<std::uint8_t>();
  reader.skip(2);
  const int interlace = reader.big<std::uint8_t>();
  PngLayout layout;
  layout.header.width = width;
  layout.header.height = height;
  check_size(layout.header, outer, start);
  constexpr std::array<int, 7> kSamples = {1, 0, 3, 1, 2, 0, 4};
  const int samples =
      color < static_cast<int>(kSamples.size()) ? kSamples[static_cast<std::size_t>(color)] : 0;
  const bool depths = depth == 8 || (depth == 16 && color != 3) ||
                      ((depth == 1 || depth == 2 || depth == 4) && (color == 0 || color == 3));
  if (samples == 0 || !depths || interlace > 1) {
    outer.fail_at(start,
                  fmt::format("no PNG has colour type {}, {} bits, interlace {}", color, depth, interlace));
  }
  const auto add = [&](std::uint64_t columns, std::uint64_t rows) {
    const auto bits = static_cast<std::uint64_t>(samples * depth);
    if (columns > 0) layout.raw += rows * (1 + (columns * bits + 7) / 8);
  };
  if (interlace == 0) {
    add(width, height);
  } else {
    struct Pass {
      std::uint32_t x, y, dx, dy;
    };
    constexpr std::array<Pass, 7> kAdam7 = {
        {{0, 0, 8, 8}, {4, 0, 8, 8}, {0, 4, 4, 8}, {2, 0, 4, 4}, {0, 2, 2, 4}, {1, 0, 2, 2}, {0, 1, 1, 2}}};
    for (const Pass& pass : kAdam7) {
      add((width + pass.dx - 1 - pass.x) / pass.dx, (height + pass.dy - 1 - pass.y) / pass.dy);
    }
  }
  return layout;
}

/// Counts what the parts of a PNG's packed pixels unpack to, up to a little more than `promised`.
class PixelStream {
 public:
  PixelStream() {
    if (inflateInit(&stream_) != Z_OK) throw Error(Fault::failure, "image", "no memory");
  }
  ~PixelStream() { inflateEnd(&stream_); }
  PixelStream(const PixelStream&) = delete;
  PixelStream& operator=(const PixelStream&) = delete;

  void add(std::span<const std::byte> packed, std::uint64_t promised, const ByteReader& reader,
           std::uint64_t at) {
    stream_.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(packed.data()));
    stream_.avail_in = static_cast<uInt>(packed.size());
    while (!ended_) {
      stream_.next_out = buffer_.data();
      stream_.avail_out = static_cast<uInt>(buffer_.size());
      const int status = inflate(&stream_, Z_NO_FLUSH);
      made_ += buffer_.size() - stream_.avail_out;
      ended_ = status == Z_STREAM_END;
      if (made_ > promised)
        reader.fail_at(at, fmt::format("unpacks to more than the {} bytes of its pixels", promised));
      if (status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR)
        reader.fail_at(at, fmt::format("the packed pixels are damaged ({})",
                                       stream_.msg != nullptr ? stream_.msg : "zlib"));
      if (stream_.avail_out > 0) break;
    }
  }
  std::uint64_t made() const { return made_; }

 private:
  z_stream stream_{};
  std::uint64_t made_ = 0;
  bool ended_ = false;
  std::array<Bytef, 1 << 14> buffer_;
};

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

/// A frame header, T.81 B.2.2; returns the blocks of all components.
std::uint64_t read_frame(int marker, std::span<const std::byte> body, const ByteReader& outer,
                         std::uint64_t start, PictureHeader& header) {
  constexpr int kProgressive = 0xc2;
  if (marker > kProgressive) {
    outer.fail_at(
        start, fmt::format("a JPEG of a kind that is not read ({}, SOF{}): save it as plain JPEG or "
                           "PNG",
                           marker > 0xc8 ? "arithmetic coding" : "lossless or hierarchical", marker - 0xc0));
  }
  ByteReader reader(body, Fault::data, "image", outer.path());
  const int bits = reader.big<std::uint8_t>();
  header.height = reader.big<std::uint16_t>();
  header.width = reader.big<std::uint16_t>();
  header.components = reader.big<std::uint8_t>();
  if (bits != 8) outer.fail_at(start, fmt::format("a JPEG of {} bits a sample, 8 are read", bits));
  check_size(header, outer, start);
  struct Sampling {
    Index across, down;
  };
  std::vector<Sampling> samplings;
  Sampling most{1, 1};
  for (int c = 0; c < header.components; ++c) {
    reader.skip(1);
    const int both = reader.big<std::uint8_t>();
    reader.skip(1);
    const Sampling sampling{both >> 4, both & 15};
    constexpr Index kMost = 4;
    if (std::min(sampling.across, sampling.down) < 1 || std::max(sampling.across, sampling.down) > kMost)
      outer.fail_at(start, "a JPEG component with a sampling that there is not");
    most = {std::max(most.across, sampling.across), std::max(most.down, sampling.down)};
    samplings.push_back(sampling);
  }
  std::uint64_t blocks = 0;
  for (const Sampling& s : samplings) {
    constexpr Index kBlock = 8;
    const Index columns = (header.width * s.across + kBlock * most.across - 1) / (kBlock * most.across);
    const Index rows = (header.height * s.down + kBlock * most.down - 1) / (kBlock * most.down);
    blocks += static_cast<std::uint64_t>(columns * rows);
  }
  return blocks;
}

/// What stands behind `name` at the beginning of an application's segment.
std::optional<std::span<const std::byte>> behind(std::string_view name, std::span<const std::byte> body) {
  if (!as_text(body).starts_with(name)) return {};
  return body.subspan(name.size());
}

}  // namespace

PictureHeader check_png(ByteReader& reader) {
  constexpr std::uint64_t kSignature = 0x89504e470d0a1a0a;
  if (reader.big<std::uint64_t>() != kSignature) reader.fail_at(0, "no PNG signature");
  PngLayout layout;
  PixelStream pixels;
  for (bool first = true;; first = false) {
    const std::uint64_t start = reader.offset();
    const auto length = reader.big<std::uint32_t>();
    if (length > std::uint32_t{std::numeric_limits<std::int32_t>::max()})
      reader.fail_at(start, "a PNG chunk is too long");
    const auto chunk = reader.take(std::uint64_t{4} + length);
    const std::string_view type = as_text(chunk.first(4));
    const auto body = chunk.subspan(4);
    const auto crc = crc32(0, reinterpret_cast<const Bytef*>(chunk.data()), static_cast<uInt>(chunk.size()));
    if (reader.big<std::uint32_t>() != crc) reader.fail_at(start, "a PNG chunk is damaged (CRC)");
    if (first && type == "CgBI")
      reader.fail_at(start, "a PNG of Apple's own kind (CgBI), which is not read: save it as plain PNG");
    if (first != (type == "IHDR")) reader.fail_at(start, "a PNG must begin with IHDR, and hold it once");
    if (first) layout = read_ihdr(body, reader, start);
    if (type == "IDAT") pixels.add(body, layout.raw, reader, start);
    if (type == "eXIf") layout.header.orientation = exif_orientation(body);
    if (type != "IEND") continue;
    if (pixels.made() < layout.raw) {
      reader.fail_at(start,
                     fmt::format("the pixels are cut short: {} of {} bytes", pixels.made(), layout.raw));
    }
    return layout.header;
  }
}

PictureHeader check_jpeg(ByteReader& reader) {
  constexpr int kStart = 0xd8;
  constexpr int kEnd = 0xd9;
  constexpr int kScan = 0xda;
  constexpr int kHuffman = 0xc4;
  constexpr int kExif = 0xe1;
  constexpr int kAdobe = 0xee;
  const auto byte = [&reader] { return int{reader.big<std::uint8_t>()}; };
  // SOF0 to SOF15 but for tables (DHT), what is reserved (JPG) and conditions of arithmetic coding (DAC).
  const auto is_frame = [](int marker) {
    return marker >= 0xc0 && marker <= 0xcf && marker != kHuffman && marker != 0xc8 && marker != 0xcc;
  };
  if (byte() != 0xff || byte() != kStart) reader.fail_at(0, "no JPEG start marker");
  PictureHeader header;
  std::uint64_t blocks = 0;
  std::uint64_t coded = 0;       // bytes
  std::optional<int> exif, xmp;  // orientations
  if (byte() != 0xff) reader.fail("no JPEG marker where one must stand");
  for (;;) {
    int marker = byte();
    while (marker == 0xff) marker = byte();
    if (marker == kEnd) break;
    const std::uint64_t segment = reader.offset() - 2;
    const auto length = reader.big<std::uint16_t>();
    if (length < 2) reader.fail("a JPEG segment without length");
    const std::uint64_t start = reader.offset();
    const auto body = reader.take(length - 2u);
    if (marker == kHuffman) check_huffman(body, reader, start);
    if (is_frame(marker)) {
      if (blocks > 0) reader.fail_at(start, "a JPEG of two frames");
      blocks = read_frame(marker, body, reader, start, header);
      header.frame = segment;
    }
    if (marker == kExif) {
      if (const auto tiff = behind({"Exif\0\0", 6}, body); tiff && !exif) exif = noted_orientation(*tiff);
      if (const auto packet = behind({"http://ns.adobe.com/xap/1.0/\0", 29}, body); packet && !xmp)
        xmp = xmp_orientation(as_text(*packet));
    }
    if (marker == kAdobe) {
      constexpr std::size_t kTransform = 6;  // after version and two words of flags
      if (const auto rest = behind("Adobe", body); rest && rest->size() > kTransform)
        header.adobe = std::to_integer<int>((*rest)[kTransform]);
    }
    if (marker != kScan) {
      if (byte() != 0xff) reader.fail("no JPEG marker where one must stand");
      continue;
    }
    if (blocks == 0) reader.fail_at(start, "a JPEG scan before its frame");
    const std::uint64_t scan = reader.offset();
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
    coded += reader.offset() - scan;
  }
  if (blocks == 0 || coded == 0) reader.fail("a JPEG without a picture");
  if (coded < blocks / 8) {
    reader.fail(fmt::format("the picture is cut short: {} bytes cannot hold {} x {} pixels", coded,
                            header.width, header.height));
  }
  header.orientation = exif ? *exif : xmp.value_or(header.orientation);
  return header;
}

}  // namespace firn
