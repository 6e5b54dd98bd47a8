#include "data/image.h"

#include <doctest/doctest.h>

#include <malloc.h>

#include <cmath>
#include <cstdlib>

#include "tests/data/damage.h"
#include "tests/data/stb_write.h"

using namespace firn;
using test::fails_with;

namespace {

/// A smooth picture, so that JPEG changes it little.
std::vector<std::uint8_t> gradient(int width, int height) {
  std::vector<std::uint8_t> pixels;
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      pixels.push_back(static_cast<std::uint8_t>(x * 200 / width));
      pixels.push_back(static_cast<std::uint8_t>(y * 200 / height));
      pixels.push_back(100);
    }
  }
  return pixels;
}

ByteImage constant(Index height, Index width, std::uint8_t value) {
  return {height, width, 3, std::vector<std::uint8_t>(static_cast<std::size_t>(height * width * 3), value)};
}

}  // namespace

TEST_CASE("PNG is exact, JPEG near") {
  const auto pixels = gradient(20, 10);
  const ByteImage png = decode_image(test::make_png(20, 10, 3, pixels), "file");
  CHECK(png.height == 10);
  CHECK(png.width == 20);
  CHECK(png.pixels == pixels);
  const ByteImage jpeg = decode_image(test::make_jpeg(20, 10, 3, pixels), "file");
  REQUIRE(jpeg.pixels.size() == pixels.size());
  int worst = 0;
  for (std::size_t i = 0; i < pixels.size(); ++i)
    worst = std::max(worst, std::abs(jpeg.pixels[i] - pixels[i]));
  CHECK(worst < 20);
  const ByteImage grey = decode_image(test::make_png(2, 1, 1, {7, 9}), "file");
  CHECK(grey.pixels == std::vector<std::uint8_t>{7, 7, 7, 9, 9, 9});
}

TEST_CASE("a damaged PNG is always found") {
  const auto whole = test::make_png(7, 5, 3, gradient(7, 5));
  const auto result = test::damage(whole, [](auto bytes) { decode_image(bytes, "file"); });
  CHECK(result.refused_cuts == static_cast<int>(whole.size()));
  CHECK(result.refused_flips == static_cast<int>(3 * whole.size()));
}

TEST_CASE("a cut JPEG is always found, a changed one is found or read") {
  const auto whole = test::make_jpeg(9, 9, 3, gradient(9, 9));
  const auto result = test::damage(whole, [](auto bytes) { decode_image(bytes, "file"); });
  CHECK(result.refused_cuts == static_cast<int>(whole.size()));
  CHECK(result.refused_flips > 100);
}

TEST_CASE("a JPEG without its Huffman tables decodes the same way whatever the memory held") {
  std::vector<std::byte> bytes = test::make_jpeg(9, 9, 3, gradient(9, 9));
  int tables = 0;
  for (std::size_t i = 0; i + 1 < bytes.size(); ++i) {
    if (bytes[i] != std::byte{0xff} || bytes[i + 1] != std::byte{0xc4}) continue;
    bytes[i + 1] = std::byte{0xfe};  // a comment now
    ++tables;
  }
  REQUIRE(tables > 0);
  std::vector<std::string> outcomes;
  for (const int fill : {0x00, 0x1f, 0x7f, 0xff}) {
    mallopt(M_PERTURB, fill);  // glibc: new blocks hold the complement
    std::string outcome;
    const auto error = test::error_of([&] {
      const ByteImage image = decode_image(bytes, "file");
      outcome.assign(image.pixels.begin(), image.pixels.end());
    });
    outcomes.push_back(error ? error->what() : outcome);
  }
  mallopt(M_PERTURB, 0);
  for (const std::string& outcome : outcomes) CHECK(outcome == outcomes.front());
}

TEST_CASE("what is no picture") {
  CHECK(fails_with(Fault::data, "an empty file", [] { decode_image({}, "file"); }));
  CHECK(fails_with(Fault::data, "no picture", [] { decode_image(as_bytes("x"), "file"); }));
  CHECK(fails_with(Fault::data, "neither PNG nor JPEG",
                   [] { decode_image(as_bytes("GIF89a......"), "file"); }));
  CHECK(fails_with(Fault::data, "PNG signature",
                   [] { decode_image(as_bytes("\x89PNG is what it claims"), "file"); }));
}

TEST_CASE("the same size changes nothing, a constant stays constant") {
  ByteImage image{4, 4, 3, gradient(4, 4)};
  CHECK(resize_crop(image, 4).pixels == image.pixels);
  for (const auto& [height, width] : {std::pair{5, 9}, {300, 17}, {1, 1}, {2, 100}}) {
    for (const Index size : {1, 3, 16, 64}) {
      const ByteImage result = resize_crop(constant(height, width, 77), size);
      CHECK(result.pixels == std::vector<std::uint8_t>(static_cast<std::size_t>(size * size * 3), 77));
    }
  }
}

TEST_CASE("the middle is cut out of the longer side") {
  // Columns 0..9 of value 10 x; the middle four are 3..6.
  ByteImage image{4, 10, 1, {}};
  for (int y = 0; y < 4; ++y) {
    for (int x = 0; x < 10; ++x) image.pixels.push_back(static_cast<std::uint8_t>(10 * x));
  }
  const ByteImage result = resize_crop(image, 4);
  for (std::size_t i = 0; i < 16; ++i) CHECK(result.pixels[i] == 30 + 10 * (i % 4));
}

TEST_CASE("the middle of a greater picture is cut out of both sides") {
  // As it is, 6 pixels high: rows and columns 1..4.
  ByteImage image{6, 8, 1, {}};
  for (int y = 0; y < 6; ++y) {
    for (int x = 0; x < 8; ++x) image.pixels.push_back(static_cast<std::uint8_t>(10 * y + x));
  }
  const ByteImage result = resize_crop(image, 4, 6);
  REQUIRE(result.pixels.size() == 16);
  for (std::size_t i = 0; i < 16; ++i) CHECK(result.pixels[i] == 10 * (1 + i / 4) + 2 + i % 4);
  // Scaled to the shorter side first: 12 x 16 to 6 x 8 of one value a quarter.
  CHECK(resize_crop(constant(12, 16, 9), 4, 6).pixels == std::vector<std::uint8_t>(48, 9));
  CHECK(resize_crop(image, 4, 3).pixels == resize_crop(image, 4).pixels);
}

TEST_CASE("halving weighs the four nearest, doubling lies between two") {
  const ByteImage halved =
      resize_crop({4, 4, 1, {0, 0, 80, 80, 0, 0, 80, 80, 0, 0, 80, 80, 0, 0, 80, 80}}, 2);
  // The triangle of width 2 around 1.0 has the weights 3, 3, 1 (of the row 0, 0, 80, 80): 80 / 7.
  CHECK(halved.pixels == std::vector<std::uint8_t>{11, 69, 11, 69});
  const ByteImage doubled = resize_crop({2, 2, 1, {0, 100, 0, 100}}, 4);
  CHECK(doubled.pixels ==
        std::vector<std::uint8_t>{0, 25, 75, 100, 0, 25, 75, 100, 0, 25, 75, 100, 0, 25, 75, 100});
}
