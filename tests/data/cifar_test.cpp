#include "data/cifar.h"

#include <doctest/doctest.h>

#include "data/source.h"
#include "tests/data/damage.h"
#include "tests/data/shared.h"
#include "tests/folder.h"

using namespace firn;
using test::fails_with;

namespace {

/// A record whose pixel p of channel c is p + 100 c, modulo 256.
std::string record(int label) {
  std::string text(1, static_cast<char>(label));
  for (int c = 0; c < 3; ++c) {
    for (int p = 0; p < 1024; ++p) text += static_cast<char>(p + 100 * c);
  }
  return text;
}

CifarImages parse(std::span<const std::byte> bytes) {
  CifarImages images;
  parse_cifar10(bytes, "file", images);
  return images;
}

}  // namespace

TEST_CASE("planes become interleaved channels") {
  const CifarImages images = parse(as_bytes(record(3) + record(9)));
  CHECK(images.labels == std::vector<std::int32_t>{3, 9});
  REQUIRE(images.pixels.size() == 2 * 3072);
  CHECK(images.pixels[3 * 33 + 0] == 33);
  CHECK(images.pixels[3 * 33 + 1] == 133);
  CHECK(images.pixels[3072 + 3 * 33 + 2] == 233);
}

TEST_CASE("damaged batches are refused or read") {
  // Cut within the record, and changed in the label; pixels may be anything.
  const std::string one = record(3);
  for (const std::size_t n : {0u, 1u, 1024u, 3072u}) {
    CHECK(fails_with(Fault::data, "no whole number",
                     [&] { parse(as_bytes(std::string_view(one).substr(0, n))); }));
  }
  for (int label = 0; label < 256; ++label) {
    const auto error = test::error_of([&] { parse(as_bytes(record(1) + record(label))); });
    CHECK(error.has_value() == (label >= 10));
    if (error) CHECK(error->offset() == 3073);
  }
  CHECK(fails_with(Fault::data, "no whole number", [&] { parse(as_bytes(one + "x")); }));
}

TEST_CASE("a folder of batches, with and without test batch and names") {
  const test::Folder folder;
  std::string batch;
  for (int i = 0; i < 10; ++i) batch += record(1);
  folder.write("data_batch_2.bin", record(2));
  folder.write("data_batch_1.bin", batch);
  const DataParts split = open_data(folder.path(), {.split = {.validation = false}});
  CHECK(split.train->size() == 9);
  CHECK(split.test->size() == 2);
  CHECK(split.train->label(8) == 2);
  CHECK(split.train->info().classes[2] == "2");

  folder.write("test_batch.bin", record(0));
  folder.write("batches.meta.txt", "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n\n");
  const DataParts parts = open_data("cifar10:" + folder.path(), {.split = {.validation = false}});
  CHECK(parts.train->size() == 11);
  CHECK(parts.test->size() == 1);
  CHECK(parts.test->info().classes[9] == "j");
  folder.write("batches.meta.txt", "a\nb\n");
  CHECK(fails_with(Fault::data, "2 class names", [&] { open_data(folder.path()); }));
}

TEST_CASE("a test batch alone is a test part") {
  const test::Folder folder;
  folder.write("test_batch.bin", record(3));
  for (const std::string& path : {folder.path(), folder / "test_batch.bin"}) {
    const DataParts parts = open_data(path);
    CHECK(parts.train == nullptr);
    CHECK(parts.test->size() == 1);
  }
}

TEST_CASE("CIFAR-10") {
  if (const std::string path = test::shared_data("cifar10_lossless_4k"); !path.empty()) {
    const DataParts parts = open_data(path, {.split = {.validation = false}});
    CHECK(parts.train->size() + parts.test->size() == 4000);
    CHECK(parts.train->info().shape == Shape{32, 32, 3});
    CHECK(parts.train->info().classes[0] == "airplane");
  }
  if (const std::string path = test::shared_data("cifar10"); !path.empty()) {
    const DataParts parts = open_data("cifar10:" + path, {.split = {.validation = false}});
    CHECK(parts.train->size() == 10000);
    CHECK(parts.test->size() == 5000);
  }
}
