#include "data/bitmaps.h"

#include <doctest/doctest.h>

#include "data/source.h"
#include "tests/data/damage.h"
#include "tests/data/shared.h"
#include "tests/folder.h"

using namespace firn;
using test::fails_with;

namespace {

/// Two characters of 3 x 3 pixels (two bytes, seven bits unused): drawing i holds the bits of i.
std::string two_characters() {
  std::string bytes;
  for (int i = 0; i < 2 * kDrawers; ++i) bytes += {static_cast<char>(i), static_cast<char>(0x80)};
  return bytes;
}

}  // namespace

TEST_CASE("bits become pixels, the greatest first") {
  const auto pixels = parse_bitmaps(as_bytes(two_characters()), "file", 3, 3);
  REQUIRE(pixels.size() == 40 * 9);
  const std::vector<std::uint8_t> fifth(pixels.begin() + 5 * 9, pixels.begin() + 6 * 9);
  CHECK(fifth == std::vector<std::uint8_t>{0, 0, 0, 0, 0, 255, 0, 255, 255});
}

TEST_CASE("classes and drawers, from a file and from its folder") {
  const test::Folder folder;
  const std::string file = folder.write("set/tiny_3x3_1bit.bin", two_characters());
  for (const std::string& path : {file, folder / "set", "bitmaps:" + file}) {
    const DataParts parts = open_data(path, {.split = {.validation = false}});
    CHECK(parts.train->info().shape == Shape({3, 3, 1}));
    CHECK(class_counts(*parts.train) == std::vector<Index>{15, 15});
    CHECK(class_counts(*parts.test) == std::vector<Index>{5, 5});
    std::vector<real> image(9);
    parts.test->fill_numbers(5, image);  // class 1, drawer 15: drawing 35 = 0b100011
    CHECK(image == std::vector<real>{0, 0, 1, 0, 0, 0, 1, 1, 1});
  }
  CHECK(fails_with(Fault::data, "no file NAME_HxW", [&] { open_bitmaps(folder.path(), {}); }));
  for (const char* name : {"a_3x_1bit.bin", "a_0x3_1bit.bin", "a_3x99999_1bit.bin", "a_3x3x3_1bit.bin"})
    CHECK_FALSE(is_bitmaps(folder.write(name, "x")));
}

TEST_CASE("every cut is refused, every changed bit is read") {
  const test::Damage damage =
      test::damage(test::bytes_of(two_characters()),
                   [](std::span<const std::byte> bytes) { parse_bitmaps(bytes, "file", 3, 3); });
  CHECK(damage.refused_cuts == 80 - 1);  // one character alone is whole
  CHECK(damage.refused_flips == 0);
}

TEST_CASE("forty Korean characters") {
  const std::string path = test::shared_data("doodle_korean");
  if (path.empty()) return;
  const DataParts parts = open_data(path, {.split = {.validation = false}});
  CHECK(parts.train->size() == 600);
  CHECK(parts.test->size() == 200);
  CHECK(parts.train->class_count() == 40);
  CHECK(parts.train->info().shape == Shape({28, 28, 1}));
}
