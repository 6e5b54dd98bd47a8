#include "data/image.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <condition_variable>
#include <limits>
#include <mutex>

#include "data/exif.h"
#include "data/image_check.h"
#include "data/picture_kind.h"
#include "data/stb.h"
#include "engine/base/bytes.h"

namespace firn {

namespace {

/// The weights that one output sample gives to a run of input samples.
struct Tap {
  Index first = 0;
  std::vector<float> weights;
};

/// `to` samples, of which sample i lies at `offset + i`, on the line that `scaled` samples would make of
/// `from`.
std::vector<Tap> make_taps(Index from, Index scaled, Index offset, Index to) {
  const double step = static_cast<double>(from) / static_cast<double>(scaled);
  const double reach = std::max(step, 1.0);
  std::vector<Tap> taps(static_cast<std::size_t>(to));
  for (Index i = 0; i < to; ++i) {
    const double centre = (static_cast<double>(i + offset) + 0.5) * step;
    Tap& tap = taps[static_cast<std::size_t>(i)];
    tap.first = std::max<Index>(0, static_cast<Index>(std::floor(centre - reach)));
    const Index last = std::min<Index>(from - 1, static_cast<Index>(std::ceil(centre + reach)));
    double sum = 0;
    for (Index k = tap.first; k <= last; ++k) {
      const double weight = std::max(0.0, 1.0 - std::abs(static_cast<double>(k) + 0.5 - centre) / reach);
      tap.weights.push_back(static_cast<float>(weight));
      sum += weight;
    }
    for (float& weight : tap.weights) weight = static_cast<float>(static_cast<double>(weight) / sum);
  }
  return taps;
}

/// The pixels that all threads together decode at one time.
class Room {
 public:
  void take(Index pixels) {
    std::unique_lock lock(mutex_);
    freed_.wait(lock, [&] { return pixels <= left_; });
    left_ -= pixels;
  }
  void give(Index pixels) {
    {
      const std::lock_guard lock(mutex_);
      left_ += pixels;
    }
    freed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable freed_;
  Index left_ = kMaxPixels;
};

class Place {
 public:
  explicit Place(Index pixels) : pixels_(pixels) { room().take(pixels_); }
  ~Place() { room().give(pixels_); }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;

 private:
  static Room& room() {
    static Room one;
    return one;
  }
  Index pixels_;
};

/// A JPEG of four components with Adobe's marker, which the decoder wants, before its frame.
std::vector<std::byte> with_adobe(std::span<const std::byte> bytes, const PictureHeader& header) {
  constexpr int kCmyk = 0;
  constexpr int kYcck = 2;
  std::string marker("\xff\xee\0\x0e\x41\x64obe\0\x64\0\0\0\0\0", 16);
  marker.back() = static_cast<char>(header.adobe.value_or(kCmyk) == kCmyk ? kCmyk : kYcck);
  const auto frame = static_cast<std::size_t>(header.frame);
  std::vector<std::byte> result(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(frame));
  const auto added = as_bytes(marker);
  result.insert(result.end(), added.begin(), added.end());
  result.insert(result.end(), bytes.begin() + static_cast<std::ptrdiff_t>(frame), bytes.end());
  return result;
}

}  // namespace

ByteImage decode_image(std::span<const std::byte> bytes, const std::string& path) {
  ByteReader reader(bytes, Fault::data, "image", path);
  if (bytes.empty()) reader.fail("an empty file, no picture");
  if (bytes.size() < 2 || bytes.size() > std::size_t{std::numeric_limits<int>::max()})
    reader.fail("is no picture");
  const FileKind kind = file_kind(bytes.first(std::min(bytes.size(), kKindBytes)));
  if (kind.picture == PictureKind::foreign) {
    reader.fail(fmt::format("a {}, neither PNG nor JPEG: convert it (as with ImageMagick: magick FILE x.png)",
                            kind.name));
  }
  if (kind.picture == PictureKind::none) {
    reader.fail(kind.name.empty() ? "is neither PNG nor JPEG"
                                  : fmt::format("is neither PNG nor JPEG but a {}", kind.name));
  }
  const PictureHeader header = bytes[0] == std::byte{0x89} ? check_png(reader) : check_jpeg(reader);
  const Place place(header.height * header.width);
  const StbSize size{static_cast<int>(header.width), static_cast<int>(header.height)};
  ByteImage image;
  image.height = header.height;
  image.width = header.width;
  constexpr int kFour = 4;
  image.pixels = header.components == kFour ? stb_decode_rgb(with_adobe(bytes, header), size)
                                            : stb_decode_rgb(bytes, size);
  if (image.pixels.empty()) reader.fail_at(0, stb_reason());
  return upright(std::move(image), header.orientation);
}

ByteImage resize_crop(const ByteImage& image, Index size, Index shorter) {
  const Index now = std::min(image.height, image.width), wanted = std::max(size, shorter);
  const auto scaled = [&](Index side) { return std::max(wanted, (side * wanted + now / 2) / now); };
  const Index height = scaled(image.height);
  const Index width = scaled(image.width);
  const std::vector<Tap> rows = make_taps(image.height, height, (height - size) / 2, size);
  const std::vector<Tap> columns = make_taps(image.width, width, (width - size) / 2, size);
  const auto channels = static_cast<std::size_t>(image.channels);
  const auto side = static_cast<std::size_t>(size);

  // Rows first: a row of the result needs few rows of the picture, each read front to back.
  std::vector<float> row(static_cast<std::size_t>(image.width) * channels);
  ByteImage result{size, size, image.channels, std::vector<std::uint8_t>(side * side * channels)};
  std::uint8_t* out = result.pixels.data();
  for (const Tap& y : rows) {
    std::fill(row.begin(), row.end(), 0.0f);
    for (std::size_t k = 0; k < y.weights.size(); ++k) {
      const std::uint8_t* from = image.pixels.data() + (static_cast<std::size_t>(y.first) + k) * row.size();
      for (std::size_t x = 0; x < row.size(); ++x) row[x] += y.weights[k] * static_cast<float>(from[x]);
    }
    for (const Tap& x : columns) {
      for (std::size_t c = 0; c < channels; ++c) {
        float sum = 0;
        for (std::size_t k = 0; k < x.weights.size(); ++k) {
          sum += x.weights[k] * row[(static_cast<std::size_t>(x.first) + k) * channels + c];
        }
        *out++ = static_cast<std::uint8_t>(std::clamp(sum + 0.5f, 0.0f, 255.0f));
      }
    }
  }
  return result;
}

}  // namespace firn
