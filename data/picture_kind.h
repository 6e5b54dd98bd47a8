// What the first bytes of a file say that it is.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace firn {

enum class PictureKind {
  none,     ///< no picture that is known
  read,     ///< PNG or JPEG, which are read
  foreign,  ///< a picture of another kind
};

struct FileKind {
  PictureKind picture = PictureKind::none;
  std::string_view name;  ///< "WebP picture", "web page (HTML)"; empty where nothing is known
};

constexpr std::size_t kKindBytes = 64;  ///< that `file_kind` looks at

/// Told by the first bytes, whatever the file is called: PNG, JPEG; HEIC, AVIF, WebP, GIF, BMP, TIFF,
/// JPEG XL, JPEG 2000, Photoshop, SVG, icons; and what often stands where a picture should: web pages,
/// pointers of Git LFS, PDF, ZIP.
FileKind file_kind(std::span<const std::byte> beginning);

}  // namespace firn
