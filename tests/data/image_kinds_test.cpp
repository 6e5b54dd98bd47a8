// Pictures of every kind: orientation, colours, depths, damage, and what is no picture that is read.
#include <doctest/doctest.h>

#include "data/exif.h"
#include "data/image.h"
#include "data/picture_kind.h"
#include "tests/data/damage.h"
#include "tests/data/picture_bytes.h"
#include "tests/data/stb_write.h"
#include "tests/errors.h"

using namespace firn;
using test::fails_with;
using test::write_jpeg;
using test::write_png;

namespace {

using Pixel = std::vector<std::uint8_t>;

ByteImage decode(const std::vector<std::byte>& bytes) {
  return decode_image(bytes, "file");
}

/// "ab/cd": each pixel's red as a letter.
std::string letters(const ByteImage& image) {
  std::string text;
  for (Index y = 0; y < image.height; ++y) {
    if (y > 0) text += '/';
    for (Index x = 0; x < image.width; ++x)
      text += static_cast<char>(image.pixels[static_cast<std::size_t>((y * image.width + x) * 3)]);
  }
  return text;
}

/// abc above def.
test::PngSpec six_letters() {
  return {.width = 3, .height = 2, .color = 0, .sample = [](int x, int y, int) { return 'a' + 3 * y + x; }};
}

Pixel first_pixel(const ByteImage& image) {
  return {image.pixels.begin(), image.pixels.begin() + 3};
}

}  // namespace

TEST_CASE("pictures are turned as EXIF says, as Pillow's exif_transpose turns them") {
  const std::string seen[] = {"abc/def",  "cba/fed",  "fed/cba",  "def/abc",
                              "ad/be/cf", "da/eb/fc", "fc/eb/da", "cf/be/ad"};
  const auto jpeg = test::make_jpeg(24, 16, 1, [] {
    std::vector<std::uint8_t> pixels;
    for (int i = 0; i < 24 * 16; ++i)
      pixels.push_back(static_cast<std::uint8_t>(40 * (i % 24 / 8 + i / 192 * 3)));
    return pixels;
  }());
  const ByteImage stored = decode(jpeg);
  for (int orientation = 1; orientation <= 8; ++orientation) {
    CAPTURE(orientation);
    const std::string& expected = seen[orientation - 1];
    for (const bool big : {false, true}) {
      const std::string exif = test::exif_of(orientation, big);
      test::PngSpec png = six_letters();
      png.chunks = {"eXIf" + exif};
      CHECK(letters(decode(write_png(png))) == expected);
      // Blocks of a JPEG stand for the letters.
      const ByteImage image = decode(test::with_exif(jpeg, exif));
      CHECK(image.width == (orientation < 5 ? 24 : 16));
      CHECK(image.pixels == upright(stored, orientation).pixels);
      const auto middle = [](const ByteImage& of, Index y, Index x) {
        return of.pixels[static_cast<std::size_t>(((8 * y + 4) * of.width + 8 * x + 4) * 3)];
      };
      const std::size_t width = orientation < 5 ? 3 : 2;
      const auto letter = expected[width + 2] - 'a';  // the second of the second row
      CHECK(middle(image, 1, 1) == middle(stored, letter / 3, letter % 3));
    }
  }
}

TEST_CASE("an orientation in XMP holds where EXIF notes none") {
  CHECK(xmp_orientation(R"(<rdf:Description tiff:Orientation="6" x="2">)") == 6);
  CHECK(xmp_orientation("<tiff:Orientation>8</tiff:Orientation>") == 8);
  CHECK(xmp_orientation("<tiff:Orientation>\n 3\n</tiff:Orientation>") == 3);
  CHECK(xmp_orientation("tiff:Orientation = '2'") == 2);
  CHECK(xmp_orientation(R"(tiff:Orientation="" tiff:Orientation="5")") == 5);
  for (const char* none :
       {"", "tiff:Orientation", "tiff:Orientation=", "tiff:Orientation=\"6", "tiff:Orientation=\"16\"",
        "tiff:Orientation=\"0\"", "tiff:Orientation=\"9\"", "exif:Orientation=\"6\""}) {
    CAPTURE(none);
    CHECK_FALSE(xmp_orientation(none).has_value());
  }
  const auto jpeg = test::make_jpeg(24, 16, 1, std::vector<std::uint8_t>(24 * 16, 9));
  const auto noted = test::with_xmp(jpeg, R"(<x tiff:Orientation="6"/>)");
  CHECK(decode(noted).width == 16);
  CHECK(decode(test::with_exif(noted, test::exif_of(1, true))).width == 24);  // EXIF says upright
  CHECK(decode(test::with_exif(noted, "MM")).width == 16);
}

TEST_CASE("an orientation that is damaged or none leaves the picture as it is") {
  const std::string good = test::exif_of(6, true);
  CHECK(exif_orientation(as_bytes(good)) == 6);
  for (std::size_t n = 0; n < 32; ++n) CHECK(exif_orientation(as_bytes(good).first(n)) == 1);
  for (const int none : {0, 9, 255}) CHECK(exif_orientation(as_bytes(test::exif_of(none, false))) == 1);
  CHECK(exif_orientation(as_bytes("II*\0\xff\xff\xff\xff")) == 1);
  test::PngSpec png = six_letters();
  png.chunks = {"eXIfMM", "tEXtorientation 6"};
  CHECK(letters(decode(write_png(png))) == "abc/def");
}

TEST_CASE("CMYK and YCCK, with and without Adobe's marker, are read as Pillow reads them") {
  struct Case {
    std::vector<int> values;
    std::optional<int> adobe;
    Pixel expected;
  };
  // By Pillow 13.0.
  const Case cases[] = {{{220, 30, 40, 255}, {}, {220, 30, 40}},
                        {{220, 30, 40, 255}, 0, {220, 30, 40}},
                        {{200, 150, 100, 180}, {}, {141, 106, 71}},
                        {{200, 150, 100, 180}, 0, {141, 106, 71}},
                        {{35, 225, 215, 0}, {}, {0, 0, 0}},
                        {{220, 30, 40, 255}, 2, {158, 0, 209}},
                        {{200, 150, 100, 180}, 2, {66, 30, 11}},
                        {{10, 250, 128, 77}, 2, {74, 77, 9}},
                        {{10, 250, 128, 77}, 1, {74, 77, 9}},
                        {{200, 150, 100}, {}, {161, 212, 239}},
                        {{200, 150, 100}, 0, {200, 150, 100}},
                        {{200, 150, 100}, 1, {161, 212, 239}},
                        {{200}, {}, {200, 200, 200}}};
  for (const Case& one : cases) {
    CAPTURE(one.values.front());
    CAPTURE(one.adobe.value_or(-1));
    const Pixel pixel = first_pixel(decode(write_jpeg({.values = one.values, .adobe = one.adobe})));
    for (std::size_t c = 0; c < 3; ++c) CHECK(std::abs(pixel[c] - one.expected[c]) <= 1);
  }
}

TEST_CASE("every depth and colour of PNG, interlaced too") {
  const auto level = [](int x, int y) { return (x * 5 + y * 3) % 11; };
  const std::string palette = [] {
    std::string chunk = "PLTE";
    for (int i = 0; i < 11; ++i) chunk += {static_cast<char>(20 * i), static_cast<char>(200 - i), '\7'};
    return chunk;
  }();
  for (const bool interlaced : {false, true}) {
    for (const auto& kind : std::vector<std::pair<int, std::vector<int>>>{
             {0, {1, 2, 4, 8, 16}}, {2, {8, 16}}, {3, {4, 8}}, {4, {8, 16}}, {6, {8, 16}}}) {
      const int color = kind.first;
      for (const int depth : kind.second) {
        CAPTURE(color);
        CAPTURE(depth);
        const int most = (1 << depth) - 1;
        test::PngSpec spec{
            .width = 13, .height = 9, .depth = depth, .color = color, .interlaced = interlaced};
        spec.sample = [&](int x, int y, int c) {
          const bool alpha = (color == 4 && c == 1) || c == 3;
          if (color == 3) return level(x, y);
          return alpha ? most / 3 : (level(x, y) + c) * most / 13;
        };
        if (color == 3) spec.chunks = {palette, std::string("tRNS\0\x50", 6)};
        if (color == 0 && depth == 8) spec.chunks = {std::string("tRNS\0\0", 6)};
        const ByteImage image = decode(write_png(spec));
        REQUIRE(image.width == 13);
        REQUIRE(image.height == 9);
        for (int y = 0; y < 9; ++y) {
          for (int x = 0; x < 13; ++x) {
            for (int c = 0; c < 3; ++c) {
              const int own = spec.sample(x, y, color == 2 || color == 6 ? c : 0);
              const int value =
                  color == 3 ? static_cast<std::uint8_t>(palette[static_cast<std::size_t>(4 + 3 * own + c)])
                  : depth == 16 ? own >> 8
                                : own * 255 / most;
              const auto at = static_cast<std::size_t>((y * 13 + x) * 3 + c);
              REQUIRE(int{image.pixels[at]} == value);
            }
          }
        }
      }
    }
  }
}

TEST_CASE("a PNG unpacks to what its header promises, or is refused before it does") {
  for (const bool interlaced : {false, true}) {
    test::PngSpec spec{.width = 8, .height = 8, .interlaced = interlaced};
    CHECK(decode(write_png(spec)).width == 8);
    spec.extra = 1;
    CHECK(fails_with(Fault::data, "unpacks to more than the", [&] { decode(write_png(spec)); }));
    spec.extra = 1 << 26;
    CHECK(fails_with(Fault::data, "unpacks to more than the", [&] { decode(write_png(spec)); }));
    spec.extra = -1;
    CHECK(fails_with(Fault::data, "cut short", [&] { decode(write_png(spec)); }));
  }
}

TEST_CASE("pictures larger than are read are named so, by their header alone") {
  // No pixels: these are never looked at.
  test::PngSpec png{.width = 16385, .height = 1, .extra = -16384 * 3};
  CHECK(fails_with(Fault::data, "16385 x 1 pixels are more than are read", [&] { decode(write_png(png)); }));
  CHECK(fails_with(Fault::data, "9000 x 9000 pixels are more than are read",
                   [] { decode(write_jpeg({.values = {1}, .width = 9000, .height = 9000})); }));
  png = {.width = 16384, .height = 1, .color = 0};
  CHECK(decode(write_png(png)).width == 16384);
}

TEST_CASE("a JPEG whose data cannot hold its pixels is cut short; kinds that are not read are named") {
  CHECK(fails_with(Fault::data, "cut short: ", [] {
    decode(write_jpeg({.values = {9, 9, 9}, .width = 800, .height = 600}));
  }));
  CHECK(fails_with(Fault::data, "arithmetic coding",
                   [] { decode(write_jpeg({.values = {1}, .frame = 0xc9})); }));
  CHECK(fails_with(Fault::data, "lossless", [] { decode(write_jpeg({.values = {1}, .frame = 0xc3})); }));
  CHECK(fails_with(Fault::data, "12 bits",
                   [] { decode(write_jpeg({.values = {1}, .frame = 0xc1, .bits = 12})); }));
}

TEST_CASE("damaged EXIF, CMYK and interlaced pictures are read or refused") {
  const auto jpeg = write_jpeg({.values = {220, 30, 40, 255}, .adobe = 2, .exif = test::exif_of(6, true)});
  const auto cut = test::damage(jpeg, [](auto bytes) { decode_image(bytes, "file"); });
  CHECK(cut.refused_cuts == static_cast<int>(jpeg.size()));
  test::PngSpec spec{
      .width = 5, .height = 4, .interlaced = true, .chunks = {"eXIf" + test::exif_of(5, false)}};
  const auto png = write_png(spec);
  const auto result = test::damage(png, [](auto bytes) { decode_image(bytes, "file"); });
  CHECK(result.refused_cuts == static_cast<int>(png.size()));
  CHECK(result.refused_flips == static_cast<int>(3 * png.size()));
}

TEST_CASE("files are told by what they begin with") {
  using namespace std::string_view_literals;
  const std::pair<std::string_view, std::string_view> known[] = {
      {"\0\0\0\x18"
       "ftypheic\0\0\0\0"sv,
       "HEIC"},
      {"\0\0\0\x1c"
       "ftypavif\0\0\0\0"sv,
       "AVIF"},
      {"RIFF\x24\0\0\0WEBPVP8 "sv, "WebP"},
      {"GIF89a\1\0\1\0"sv, "GIF"},
      {"BM\x46\0\0\0\0\0\0\0\x36\0\0\0"sv, "BMP"},
      {"II*\0\x08\0\0\0"sv, "TIFF"},
      {"MM\0*\0\0\0\x08"sv, "TIFF"},
      {"8BPS\0\1"sv, "Photoshop"},
      {"\n<!DOCTYPE html><html>"sv, "web page"},
      {"version https://git-lfs.github.com/spec/v1"sv, "Git LFS"},
      {"%PDF-1.7"sv, "PDF"}};
  for (const auto& one : known) {
    const auto bytes = as_bytes(one.first);
    const std::string name(one.second);
    CAPTURE(name);
    CHECK(file_kind(bytes).name.find(name) != std::string_view::npos);
    CHECK(file_kind(bytes).picture != PictureKind::read);
    const auto error = test::error_of([&] { decode_image(bytes, "file"); });
    REQUIRE(error);
    CHECK(std::string(error->what()).find(name) != std::string::npos);
  }
  CHECK(file_kind(as_bytes("BM was a film's name")).name.empty());
  CHECK(file_kind({}).name.empty());
}
