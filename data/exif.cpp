#include "data/exif.h"

#include <algorithm>
#include <cstdint>

#include "engine/base/bytes.h"

namespace firn {

namespace {

constexpr int kUpright = 1;
constexpr int kLast = 8;
constexpr std::uint16_t kOrientation = 0x0112;

/// Numbers of either byte order.
struct Numbers {
  ByteReader& reader;
  bool big;
  template <class T>
  T next() {
    return big ? reader.big<T>() : reader.little<T>();
  }
};

/// Throws Error(data) where the bytes end too early.
std::optional<int> read_orientation(ByteReader& reader) {
  constexpr std::uint16_t kIntel = 0x4949;
  constexpr std::uint16_t kMotorola = 0x4d4d;
  constexpr std::uint16_t kMagic = 42;
  const auto order = reader.big<std::uint16_t>();
  if (order != kIntel && order != kMotorola) return {};
  Numbers numbers{reader, order == kMotorola};
  if (numbers.next<std::uint16_t>() != kMagic) return {};
  reader.seek(numbers.next<std::uint32_t>());
  for (auto entries = numbers.next<std::uint16_t>(); entries > 0; --entries) {
    const auto tag = numbers.next<std::uint16_t>();
    const auto type = numbers.next<std::uint16_t>();
    const auto count = numbers.next<std::uint32_t>();
    const std::uint64_t value_at = reader.offset();
    if (tag == kOrientation && count == 1) {
      constexpr std::uint16_t kByte = 1, kShort = 3, kLong = 4;
      const std::uint32_t value = type == kByte    ? numbers.next<std::uint8_t>()
                                  : type == kShort ? numbers.next<std::uint16_t>()
                                  : type == kLong  ? numbers.next<std::uint32_t>()
                                                   : 0;
      return value >= kUpright && value <= kLast ? static_cast<int>(value) : kUpright;
    }
    reader.seek(value_at + 4);
  }
  return {};
}

}  // namespace

int exif_orientation(std::span<const std::byte> tiff) {
  return noted_orientation(tiff).value_or(kUpright);
}

std::optional<int> noted_orientation(std::span<const std::byte> tiff) {
  try {
    ByteReader reader(tiff, Fault::data, "exif", "");
    return read_orientation(reader);
  } catch (const Error&) {
    return {};
  }
}

std::optional<int> xmp_orientation(std::string_view packet) {
  constexpr std::string_view kName = "tiff:Orientation";
  // An attribute, ="6" or ='6', or an element, >6<.
  for (std::size_t at = packet.find(kName); at != std::string_view::npos; at = packet.find(kName, at + 1)) {
    std::string_view rest = packet.substr(at + kName.size());
    rest.remove_prefix(std::min(rest.find_first_not_of(" \t\r\n="), rest.size()));
    if (rest.empty() || std::string_view("\"'>").find(rest[0]) == std::string_view::npos) continue;
    rest.remove_prefix(1);
    rest.remove_prefix(std::min(rest.find_first_not_of(" \t\r\n"), rest.size()));
    const bool ends = rest.size() > 1 && (rest[1] < '0' || rest[1] > '9');
    if (ends && rest[0] >= '0' + kUpright && rest[0] <= '0' + kLast) return rest[0] - '0';
  }
  return {};
}

ByteImage upright(ByteImage image, int orientation) {
  if (orientation <= kUpright || orientation > kLast) return image;
  const Index height = image.height;
  const Index width = image.width;
  const Index channels = image.channels;
  // The stored pixel that becomes (y,x) lies `down` · y + `right` · x pixels behind `first`.
  Index first = 0, down = 0, right = 0;
  switch (orientation) {
    case 2:
      first = width - 1, down = width, right = -1;
      break;
    case 3:
      first = height * width - 1, down = -width, right = -1;
      break;
    case 4:
      first = (height - 1) * width, down = -width, right = 1;
      break;
    case 5:
      first = 0, down = 1, right = width;
      break;
    case 6:
      first = (height - 1) * width, down = 1, right = -width;
      break;
    case 7:
      first = height * width - 1, down = -1, right = -width;
      break;
    default:
      first = width - 1, down = -1, right = width;
      break;
  }
  const bool lying = orientation > 4;
  ByteImage result{lying ? width : height, lying ? height : width, channels,
                   std::vector<std::uint8_t>(image.pixels.size())};
  constexpr Index kTile = 32;  // both pictures stay in the cache
  for (Index top = 0; top < result.height; top += kTile) {
    for (Index left = 0; left < result.width; left += kTile) {
      const Index bottom = std::min(top + kTile, result.height);
      const Index end = std::min(left + kTile, result.width);
      for (Index y = top; y < bottom; ++y) {
        std::uint8_t* to = result.pixels.data() + (y * result.width + left) * channels;
        for (Index x = left; x < end; ++x) {
          const std::uint8_t* from = image.pixels.data() + (first + down * y + right * x) * channels;
          to = std::copy_n(from, channels, to);
        }
      }
    }
  }
  return result;
}

}  // namespace firn
