#include "data/idx.h"

#include <doctest/doctest.h>

#include "data/source.h"
#include "tests/data/damage.h"
#include "tests/data/shared.h"
#include "tests/folder.h"

using namespace firn;
using test::fails_with;

namespace {

constexpr std::string_view kImages(
    "\0\0\x08\x03\0\0\0\x02\0\0\0\x02\0\0\0\x03\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c", 28);
constexpr std::string_view kLabels("\0\0\x08\x01\0\0\0\x02\x03\x05", 10);

}  // namespace

TEST_CASE("an IDX array is read") {
  const IdxArray array = parse_idx(as_bytes(kImages), "file");
  CHECK(array.sizes == std::vector<Index>{2, 2, 3});
  CHECK(array.values == std::vector<std::uint8_t>{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12});
}

TEST_CASE("a damaged IDX file is refused or read") {
  const auto result = test::damage(test::bytes_of(kImages), [](auto bytes) { parse_idx(bytes, "file"); });
  CHECK(result.refused_cuts == static_cast<int>(kImages.size()));
  // All of the 16 bytes of header matter, none of the values.
  CHECK(result.refused_flips == 3 * 16);
}

TEST_CASE("sizes that multiply beyond all bounds are refused before memory is asked for") {
  const std::string_view huge("\0\0\x08\x04\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
                              20);
  CHECK(fails_with(Fault::data, "too large", [&] { parse_idx(as_bytes(huge), "file"); }));
  const std::string_view large("\0\0\x08\x01\xff\xff\xff\xff", 8);
  CHECK(fails_with(Fault::data, "ends after 0 of 4294967295", [&] { parse_idx(as_bytes(large), "file"); }));
}

TEST_CASE("a folder of one pair: labels are counted from their least, every fifth is test") {
  const test::Folder folder;
  folder.write("my-train-images-idx3-ubyte", kImages);
  folder.write("my-train-labels-idx1-ubyte", kLabels);
  const DataParts parts = open_data("idx:" + folder.path());
  CHECK(parts.train->size() == 2);
  CHECK(parts.test->size() == 0);
  CHECK(parts.train->info().classes == std::vector<std::string>{"3", "4", "5"});
  CHECK(parts.train->label(1) == 2);
  REQUIRE(parts.train->info().notes.size() == 2);
  CHECK(parts.train->info().notes[0] == "labels 3..5 are counted from 0");
  std::vector<real> pixels(6);
  parts.train->fill_numbers(1, pixels);
  CHECK(pixels[0] == real(7) / 255);

  folder.write("other-train-images-idx3-ubyte", kImages);
  CHECK(fails_with(Fault::data, "give the path of one", [&] { open_data(folder.path()); }));
  CHECK(open_data(folder / "my-train-images-idx3-ubyte").train->size() == 2);
}

TEST_CASE("labels that do not fit the images") {
  const test::Folder folder;
  folder.write("train-images-idx3-ubyte", kImages);
  CHECK(fails_with(Fault::data, "train-labels-idx1-ubyte", [&] { open_data(folder.path()); }));
  folder.write("train-labels-idx1-ubyte", std::string_view("\0\0\x08\x01\0\0\0\x01\x03", 9));
  CHECK(fails_with(Fault::data, "1 labels of 1 dimensions for 2 images", [&] { open_data(folder.path()); }));
}

TEST_CASE("EMNIST letters and MNIST") {
  if (const std::string path = test::shared_data("emnist_letters_small"); !path.empty()) {
    const DataParts letters = open_data(path);
    CHECK(letters.train->size() == 5200);
    CHECK(letters.test->size() == 2600);
    CHECK(class_counts(*letters.train) == std::vector<Index>(26, 200));
    CHECK(letters.train->info().classes.back() == "26");
  }
  if (const std::string path = test::shared_data("mnist"); !path.empty()) {
    const DataParts digits = open_data("idx:" + path);
    CHECK(class_counts(*digits.test) ==
          std::vector<Index>{980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009});
    CHECK(digits.train->size() == 60000);
  }
}
