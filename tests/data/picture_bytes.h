// Pictures for tests, made byte by byte: what an encoder would not write.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace firn::test {

struct PngSpec {
  std::uint32_t width = 1, height = 1;
  int depth = 8, color = 2;
  bool interlaced = false;
  /// Sample c of the pixel in column x of row y.
  std::function<int(int x, int y, int c)> sample = [](int, int, int) { return 0; };
  /// Chunks before the pixels: four letters, then what is in it.
  std::vector<std::string> chunks = {};
  /// Bytes packed behind those of the pixels; below 0: as many of theirs left away.
  std::int64_t extra = 0;
};

/// A PNG by its specification, every row without a filter.
std::vector<std::byte> write_png(const PngSpec& spec);

struct JpegSpec {
  std::vector<int> values;        ///< of each component, all over the 8 x 8 pixels
  std::optional<int> adobe = {};  ///< the transform in Adobe's marker
  std::string exif = {};          ///< the TIFF file in an APP1 segment
  int frame = 0xc0;               ///< SOF's marker
  int bits = 8;                   ///< that it claims
  int width = 8, height = 8;      ///< that it claims
};

/// A JPEG of one block a component.
std::vector<std::byte> write_jpeg(const JpegSpec& spec);

/// A TIFF file with an orientation, most significant bytes first or last.
std::string exif_of(int orientation, bool big);

/// `jpeg` with an APP1 segment that holds `exif` behind its start.
std::vector<std::byte> with_exif(const std::vector<std::byte>& jpeg, const std::string& exif);
/// `jpeg` with an APP1 segment that holds the XMP `packet` behind its start.
std::vector<std::byte> with_xmp(const std::vector<std::byte>& jpeg, const std::string& packet);

}  // namespace firn::test
