#include "data/picture_kind.h"

#include <algorithm>
#include <array>

#include "engine/base/bytes.h"

namespace firn {

namespace {

using std::string_view_literals::operator""sv;

struct Mark {
  std::size_t at;
  std::string_view bytes;
  FileKind kind;
};

constexpr FileKind foreign(std::string_view name) {
  return {PictureKind::foreign, name};
}

constexpr auto kMarks = std::to_array<Mark>({
    {0, "\x89PNG"sv, {PictureKind::read, "PNG"}},
    {0, "\xff\xd8"sv, {PictureKind::read, "JPEG"}},
    {4, "ftypavif"sv, foreign("AVIF picture")},
    {4, "ftypavis"sv, foreign("AVIF picture")},
    {4, "ftyphei"sv, foreign("HEIC picture")},
    {4, "ftyphev"sv, foreign("HEIC picture")},
    {4, "ftypmif1"sv, foreign("HEIC or AVIF picture")},
    {4, "ftypmsf1"sv, foreign("HEIC or AVIF picture")},
    {4, "ftypcrx"sv, foreign("raw picture of a camera (CR3)")},
    {4, "ftyp"sv, {PictureKind::none, "film (MP4 or the like)"}},
    {8, "WEBP"sv, foreign("WebP picture")},
    {0, "GIF8"sv, foreign("GIF picture")},
    {0, "II*\0"sv, foreign("TIFF picture, or a camera's raw one")},
    {0, "MM\0*"sv, foreign("TIFF picture, or a camera's raw one")},
    {0, "\xff\x0a"sv, foreign("JPEG XL picture")},
    {4, "JXL \r\n"sv, foreign("JPEG XL picture")},
    {4, "jP  \r\n"sv, foreign("JPEG 2000 picture")},
    {0, "\xff\x4f\xff\x51"sv, foreign("JPEG 2000 picture")},
    {0, "8BPS"sv, foreign("Photoshop picture")},
    {0, "\0\0\1\0"sv, foreign("icon (ICO)")},
    {0, "<svg"sv, foreign("drawing (SVG)")},
    {0,
     "version https://git-lfs"sv,
     {PictureKind::none, "pointer of Git LFS: git lfs pull fetches the file"}},
    {0, "%PDF"sv, {PictureKind::none, "PDF document"}},
    {0, "PK\3\4"sv, {PictureKind::none, "ZIP archive"}},
});

bool is_html(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(" \t\r\n"), text.size()));
  std::string small(text.substr(0, 14));
  std::transform(small.begin(), small.end(), small.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return small.starts_with("<!doctype html") || small.starts_with("<html");
}

}  // namespace

FileKind file_kind(std::span<const std::byte> beginning) {
  const std::string_view text = as_text(beginning);
  for (const Mark& mark : kMarks) {
    if (text.size() >= mark.at && text.substr(mark.at).starts_with(mark.bytes)) return mark.kind;
  }
  // Two letters are little: the file's own size stands behind them, and zeros.
  if (text.size() >= 10 && text.starts_with("BM") && text.substr(6, 4) == "\0\0\0\0"sv)
    return foreign("BMP picture");
  if (is_html(text)) return {PictureKind::none, "web page (HTML)"};
  return {};
}

}  // namespace firn
