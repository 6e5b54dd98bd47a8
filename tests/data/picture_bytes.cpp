#include "tests/data/picture_bytes.h"

#include <zlib.h>

#include <array>
#include <bit>
#include <cstdlib>
#include <stdexcept>

#include "engine/base/bytes.h"

namespace firn::test {

namespace {

std::string big(std::uint32_t value, int bytes) {
  std::string text;
  for (int i = bytes - 1; i >= 0; --i) text += static_cast<char>(value >> (8 * i) & 0xff);
  return text;
}

std::vector<std::byte> bytes_of(const std::string& text) {
  const auto bytes = as_bytes(text);
  return {bytes.begin(), bytes.end()};
}

std::string chunk(const std::string& named) {
  const auto crc = crc32(0, reinterpret_cast<const Bytef*>(named.data()), static_cast<uInt>(named.size()));
  return big(static_cast<std::uint32_t>(named.size() - 4), 4) + named +
         big(static_cast<std::uint32_t>(crc), 4);
}

struct Pass {
  int x, y, dx, dy;
};

std::string rows_of(const PngSpec& spec, const Pass& pass) {
  constexpr std::array<int, 7> kSamples = {1, 0, 3, 1, 2, 0, 4};
  const int samples = kSamples.at(static_cast<std::size_t>(spec.color));
  std::string rows;
  for (int y = pass.y; y < static_cast<int>(spec.height); y += pass.dy) {
    if (pass.x >= static_cast<int>(spec.width)) break;
    std::string bits;
    for (int x = pass.x; x < static_cast<int>(spec.width); x += pass.dx) {
      for (int c = 0; c < samples; ++c) {
        const int value = spec.sample(x, y, c);
        for (int b = spec.depth - 1; b >= 0; --b) bits += (value >> b & 1) != 0 ? '1' : '0';
      }
    }
    bits.resize((bits.size() + 7) / 8 * 8, '0');
    rows += '\0';
    for (std::size_t i = 0; i < bits.size(); i += 8)
      rows += static_cast<char>(std::stoi(bits.substr(i, 8), nullptr, 2));
  }
  return rows;
}

std::string packed(const std::string& raw) {
  uLongf size = compressBound(static_cast<uLong>(raw.size()));
  std::string result(size, '\0');
  if (compress2(reinterpret_cast<Bytef*>(result.data()), &size, reinterpret_cast<const Bytef*>(raw.data()),
                static_cast<uLong>(raw.size()), 9) != Z_OK)
    throw std::runtime_error("compress2");
  result.resize(size);
  return result;
}

std::string segment(int marker, const std::string& body) {
  return std::string("\xff") + static_cast<char>(marker) +
         big(static_cast<std::uint32_t>(body.size() + 2), 2) + body;
}

std::string exif_segment(const std::string& exif) {
  return segment(0xe1, std::string("Exif\0\0", 6) + exif);
}

std::vector<std::byte> behind_start(const std::vector<std::byte>& jpeg, const std::string& bytes) {
  std::vector<std::byte> result(jpeg.begin(), jpeg.begin() + 2);
  for (const std::byte b : bytes_of(bytes)) result.push_back(b);
  result.insert(result.end(), jpeg.begin() + 2, jpeg.end());
  return result;
}

}  // namespace

std::vector<std::byte> write_png(const PngSpec& spec) {
  std::string raw;
  if (spec.interlaced) {
    for (const Pass& pass : {Pass{0, 0, 8, 8}, Pass{4, 0, 8, 8}, Pass{0, 4, 4, 8}, Pass{2, 0, 4, 4},
                             Pass{0, 2, 2, 4}, Pass{1, 0, 2, 2}, Pass{0, 1, 1, 2}})
      raw += rows_of(spec, pass);
  } else {
    raw = rows_of(spec, {0, 0, 1, 1});
  }
  raw.resize(static_cast<std::size_t>(static_cast<std::int64_t>(raw.size()) + spec.extra), '\0');
  std::string file = "\x89PNG\r\n\x1a\n";
  const std::string tail = {static_cast<char>(spec.depth), static_cast<char>(spec.color), '\0', '\0',
                            spec.interlaced ? '\1' : '\0'};
  file += chunk("IHDR" + big(spec.width, 4) + big(spec.height, 4) + tail);
  for (const std::string& more : spec.chunks) file += chunk(more);
  // In two chunks: a reader must take them for one stream.
  const std::string pixels = packed(raw);
  file +=
      chunk("IDAT" + pixels.substr(0, pixels.size() / 2)) + chunk("IDAT" + pixels.substr(pixels.size() / 2));
  return bytes_of(file + chunk("IEND"));
}

std::vector<std::byte> write_jpeg(const JpegSpec& spec) {
  std::string file = "\xff\xd8";
  if (!spec.exif.empty()) file += exif_segment(spec.exif);
  if (spec.adobe)
    file += segment(0xee, std::string("Adobe\0\x64\0\0\0\0", 11) + static_cast<char>(*spec.adobe));
  // With steps of 8 a block's mean is its first coefficient.
  file += segment(0xdb, '\0' + std::string(64, '\x08'));
  const auto components = static_cast<int>(spec.values.size());
  std::string frame = big(static_cast<std::uint32_t>(spec.bits), 1) +
                      big(static_cast<std::uint32_t>(spec.height), 2) +
                      big(static_cast<std::uint32_t>(spec.width), 2) + static_cast<char>(components);
  std::string scan(1, static_cast<char>(components));
  std::string bits;
  for (int c = 0; c < components; ++c) {
    frame += {static_cast<char>(c + 1), '\x11', '\0'};
    scan += {static_cast<char>(c + 1), '\0'};
    const int difference = spec.values[static_cast<std::size_t>(c)] - 128;
    const int size = std::bit_width(static_cast<unsigned>(std::abs(difference)));
    const int code = difference > 0 ? difference : difference + (1 << size) - 1;
    for (int b = 3; b >= 0; --b) bits += (size >> b & 1) != 0 ? '1' : '0';
    for (int b = size - 1; b >= 0; --b) bits += (code >> b & 1) != 0 ? '1' : '0';
    bits += '0';  // the end of the block
  }
  file += segment(spec.frame, frame);
  std::string table(1, '\0');
  for (int length = 1; length <= 16; ++length) table += static_cast<char>(length == 4 ? 12 : 0);
  for (int size = 0; size < 12; ++size) table += static_cast<char>(size);
  file += segment(0xc4, table);
  file += segment(0xc4, std::string("\x10\1", 2) + std::string(16, '\0'));
  file += segment(0xda, scan + std::string("\0\x3f\0", 3));
  bits.resize((bits.size() + 7) / 8 * 8, '1');
  for (std::size_t i = 0; i < bits.size(); i += 8) {
    const int byte = std::stoi(bits.substr(i, 8), nullptr, 2);
    file += static_cast<char>(byte);
    if (byte == 0xff) file += '\0';
  }
  return bytes_of(file + "\xff\xd9");
}

std::string exif_of(int orientation, bool is_big) {
  const auto number = [&](std::uint32_t value, int bytes) {
    std::string text = big(value, bytes);
    return is_big ? text : std::string(text.rbegin(), text.rend());
  };
  // A directory at byte 8 of two entries: the camera's maker, as a text beyond it, and the orientation.
  return std::string(is_big ? "MM" : "II") + number(42, 2) + number(8, 4) + number(2, 2) +  //
         number(0x010f, 2) + number(2, 2) + number(5, 4) + number(38, 4) +                  //
         number(0x0112, 2) + number(3, 2) + number(1, 4) +                                  //
         number(static_cast<std::uint32_t>(orientation), 2) + number(0, 2) + number(0, 4) + "firn" + '\0';
}

std::vector<std::byte> with_exif(const std::vector<std::byte>& jpeg, const std::string& exif) {
  return behind_start(jpeg, exif_segment(exif));
}

std::vector<std::byte> with_xmp(const std::vector<std::byte>& jpeg, const std::string& packet) {
  return behind_start(jpeg, segment(0xe1, std::string("http://ns.adobe.com/xap/1.0/\0", 29) + packet));
}

}  // namespace firn::test
