#include "data/idx.h"

#include <doctest/doctest.h>
#include <zlib.h>

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

TEST_CASE("a folder of one pair: labels are counted from their least, a class of one is not tested") {
  const test::Folder folder;
  folder.write("my-train-images-idx3-ubyte", kImages);
  folder.write("my-train-labels-idx1-ubyte", kLabels);
  const DataParts parts = open_data("idx:" + folder.path());
  CHECK(parts.train->size() == 2);
  CHECK(parts.test == nullptr);
  CHECK(parts.train->info().classes == std::vector<std::string>{"3", "4", "5"});
  CHECK(parts.train->label(1) == 2);
  REQUIRE(parts.train->info().notes.size() == 1);
  CHECK(parts.train->info().notes[0] == "labels 3..5 are counted from 0");
  std::vector<real> pixels(6);
  parts.train->fill_numbers(1, pixels);
  CHECK(pixels[0] == real(7) / 255);

  folder.write("other-train-images-idx3-ubyte", kImages);
  CHECK(fails_with(Fault::data, "give the path of one", [&] { open_data(folder.path()); }));
  CHECK(open_data(folder / "my-train-images-idx3-ubyte").train->size() == 2);
}

TEST_CASE("files of a test or validation part alone are that part") {
  const test::Folder folder;
  folder.write("t10k-images-idx3-ubyte", kImages);
  folder.write("t10k-labels-idx1-ubyte", kLabels);
  DataParts parts = open_idx(folder.path(), {});
  CHECK(parts.train == nullptr);
  CHECK(parts.test->size() == 2);
  CHECK(open_idx(folder / "t10k-images-idx3-ubyte", {}).test->size() == 2);
  folder.write("my-val-images-idx3-ubyte", kImages);
  folder.write("my-val-labels-idx1-ubyte", kLabels);
  CHECK(open_idx(folder.path(), {}).validation->size() == 2);
  const test::Folder none;
  none.write("x-images-idx3-ubyte", kImages);
  CHECK(fails_with(Fault::data, "holds no ...train-images-idx3-ubyte", [&] { open_data(none.path()); }));
}

TEST_CASE("labels that do not fit the images") {
  const test::Folder folder;
  folder.write("train-images-idx3-ubyte", kImages);
  CHECK(fails_with(Fault::data, "train-labels-idx1-ubyte", [&] { open_data(folder.path()); }));
  folder.write("train-labels-idx1-ubyte", std::string_view("\0\0\x08\x01\0\0\0\x01\x03", 9));
  CHECK(fails_with(Fault::data, "1 labels of 1 dimensions for 2 images", [&] { open_data(folder.path()); }));
}

TEST_CASE("a packed IDX file unpacks to what its header promises, and no more") {
  const auto packed = [](std::string text) {
    z_stream stream{};
    REQUIRE(deflateInit2(&stream, 9, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK);
    std::vector<std::byte> result(deflateBound(&stream, static_cast<uLong>(text.size())));
    stream.next_in = reinterpret_cast<Bytef*>(text.data());
    stream.avail_in = static_cast<uInt>(text.size());
    stream.next_out = reinterpret_cast<Bytef*>(result.data());
    stream.avail_out = static_cast<uInt>(result.size());
    REQUIRE(deflate(&stream, Z_FINISH) == Z_STREAM_END);
    result.resize(stream.total_out);
    deflateEnd(&stream);
    return result;
  };
  const auto images = [](std::size_t bytes) {
    return std::string("\0\0\x08\x03\0\0\0\x02\0\0\1\0\0\0\1\0", 16) + std::string(bytes, '\7');
  };
  const test::Folder folder;
  folder.write("train-labels-idx1-ubyte", kLabels);
  folder.write("train-images-idx3-ubyte.gz", packed(images(2 << 16)));
  CHECK(open_data(folder.path()).train->info().shape == Shape{256, 256, 1});
  folder.write("train-images-idx3-ubyte.gz", packed(images(1 << 26)));
  CHECK(fails_with(Fault::data, "unpacks to more than 131088 bytes", [&] { open_data(folder.path()); }));
  folder.write("train-images-idx3-ubyte.gz", packed(images(130000)));
  CHECK(fails_with(Fault::data, "ends after 130000 of 131072", [&] { open_data(folder.path()); }));
  // A size that the file could never hold, and one that the labels gainsay, before anything is unpacked.
  folder.write("train-images-idx3-ubyte.gz",
               packed(std::string("\0\0\x08\x03\0\0\0\x02\0\1\0\0\0\1\0\0", 16) + std::string(70000, 'x')));
  CHECK(fails_with(Fault::data, "promises 8589934608 bytes", [&] { open_data(folder.path()); }));
  folder.write("train-labels-idx1-ubyte", std::string_view("\0\0\x08\x01\0\0\0\x01\x03", 9));
  CHECK(fails_with(Fault::data, "1 labels of 1 dimensions for 2 images", [&] { open_data(folder.path()); }));
}

TEST_CASE("EMNIST letters and MNIST") {
  if (const std::string path = test::shared_data("emnist_letters_small"); !path.empty()) {
    const DataParts letters = open_data(path, {.split = {.validation = false}});
    CHECK(letters.train->size() == 5200);
    CHECK(letters.test->size() == 2600);
    CHECK(class_counts(*letters.train) == std::vector<Index>(26, 200));
    CHECK(letters.train->info().classes.back() == "26");
  }
  if (const std::string path = test::shared_data("mnist"); !path.empty()) {
    const DataParts digits = open_data("idx:" + path, {.split = {.validation = false}});
    CHECK(class_counts(*digits.test) ==
          std::vector<Index>{980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009});
    CHECK(digits.train->size() == 60000);
  }
}
