#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "data/npy.h"
#include "data/source.h"
#include "tests/data/npy_write.h"
#include "tests/errors.h"
#include "tests/folder.h"

using namespace firn;
using test::fails_with;
using test::npy;

namespace {

using Texts = std::vector<std::string>;

/// Bytes 0, 1, 2, ... (modulo 251).
std::string counting(std::size_t count) {
  std::string bytes(count, '\0');
  for (std::size_t i = 0; i < count; ++i) bytes[i] = static_cast<char>(i % 251);
  return bytes;
}

/// Labels 0, 1, 0, 1, ... of `count` samples.
std::string two_classes(std::size_t count) {
  std::string bytes(count, '\0');
  for (std::size_t i = 1; i < count; i += 2) bytes[i] = '\1';
  return npy("|u1", "(" + std::to_string(count) + ",)", bytes);
}

std::string floats(const std::string& shape, const std::vector<float>& values) {
  return npy("<f4", shape,
             std::string(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)));
}

std::vector<float> ramp(std::size_t count) {
  std::vector<float> values(count);
  std::iota(values.begin(), values.end(), 0.0f);
  return values;
}

std::vector<real> sample(const Dataset& data, Index i) {
  std::vector<real> values(static_cast<std::size_t>(data.info().shape.count()));
  data.fill_numbers(i, values);
  return values;
}

bool noted(const DataInfo& info, const std::string& part) {
  return std::any_of(info.notes.begin(), info.notes.end(),
                     [&](const std::string& note) { return note.find(part) != std::string::npos; });
}

}  // namespace

TEST_CASE("arrays as data") {
  const test::Folder folder;
  folder.write("x.npy", floats("(10, 2, 2)", ramp(40)));
  save_npy(folder / "y.npy",
           Tensor::of_indices({10}, std::vector<std::int32_t>{3, 3, 3, 3, 3, 4, 4, 4, 4, 4}));
  const DataParts parts = open_data(folder.path());
  CHECK(parts.train->info().kind == DataKind::sequence);
  CHECK(parts.train->info().classes == Texts{"3", "4"});
  CHECK(parts.all->size() == 10);
  CHECK(parts.all->label(9) == 1);
  CHECK(noted(parts.train->info(), "10 sequences of 2 steps of 2 numbers (ntf: numbers)"));
  CHECK(noted(parts.train->info(), "2 classes: 3 5, 4 5"));
}

TEST_CASE("the channels of pictures are told by their number, asked for, or refused") {
  const test::Folder folder;
  const auto shape_of = [&](const std::string& shape, std::size_t count, const DataOptions& options = {}) {
    folder.write("x.npy", npy("|u1", shape, counting(count)));
    folder.write("y.npy", two_classes(10));
    return open_data(folder.path(), options).train->info().shape;
  };
  CHECK(shape_of("(10, 8, 8, 3)", 1920) == Shape{8, 8, 3});
  CHECK(shape_of("(10, 3, 8, 8)", 1920) == Shape{8, 8, 3});
  CHECK(shape_of("(10, 1, 8, 6)", 480) == Shape{8, 6, 1});
  CHECK(shape_of("(10, 8, 6, 1)", 480) == Shape{8, 6, 1});
  CHECK(shape_of("(10, 5, 5, 2)", 500) == Shape{5, 5, 2});
  CHECK(shape_of("(10, 2, 5, 5)", 500) == Shape{5, 5, 2});
  for (const char* shape : {"(10, 3, 5, 3)", "(10, 4, 4, 4)", "(10, 2, 8, 3)", "(10, 1, 16, 3)"}) {
    CAPTURE(shape);
    std::size_t count = 10;
    for (const char* c = shape + 4; *c != '\0'; ++c) {
      if (*c >= '2' && *c <= '8' && c[-1] == ' ') count *= static_cast<std::size_t>(*c - '0');
      if (*c == '1' && c[1] == '6') count *= 16;
    }
    if (std::string(shape) == "(10, 2, 8, 3)") {
      CHECK(shape_of(shape, count) == Shape{2, 8, 3});
      continue;
    }
    CHECK(fails_with(Fault::data, "--layout nhwc", [&] { shape_of(shape, count); }));
    CHECK(fails_with(Fault::data, "--layout nchw", [&] { shape_of(shape, count); }));
  }
  CHECK(shape_of("(10, 4, 4, 4)", 640, {.layout = "nchw"}) == Shape{4, 4, 4});
  CHECK(shape_of("(10, 3, 5, 3)", 450, {.layout = "nchw"}) == Shape{5, 3, 3});
  CHECK(shape_of("(10, 3, 5, 3)", 450, {.layout = "nhwc"}) == Shape{3, 5, 3});
  CHECK(shape_of("(10, 3, 5, 3)", 450, {.trained_layout = "nchw"}) == Shape{5, 3, 3});
  CHECK(fails_with(Fault::data, "--layout nchw wants 4 dimensions, x is (10,4,4)",
                   [&] { shape_of("(10, 4, 4)", 160, {.layout = "nchw"}); }));
}

TEST_CASE("channels that stand first are moved behind") {
  const test::Folder folder;
  folder.write("x.npy", npy("|u1", "(2, 3, 2, 2)", counting(24)));
  folder.write("y.npy", two_classes(2));
  const DataParts parts = open_data(folder.path(), {.layout = "nchw"});
  CHECK(noted(parts.train->info(), "pictures of 2x2 with 3 channels (nchw: --layout), bytes as 0 to 1"));
  const std::vector<real> first = sample(*parts.train, 0);
  const int expected[] = {0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11};
  for (std::size_t i = 0; i < 12; ++i) CHECK(first[i] == static_cast<real>(expected[i]) / 255);
}

TEST_CASE("square arrays of numbers may be pictures or sequences") {
  const test::Folder folder;
  folder.write("x.npy", floats("(2, 8, 8)", ramp(128)));
  folder.write("y.npy", two_classes(2));
  CHECK(fails_with(Fault::data, "grey pictures of 8x8 (--layout nhw) or sequences of 8 steps of 8 numbers",
                   [&] { open_data(folder.path()); }));
  CHECK(open_data(folder.path(), {.layout = "nhw"}).train->info().shape == Shape{8, 8, 1});
  CHECK(open_data(folder.path(), {.layout = "ntf"}).train->info().kind == DataKind::sequence);
  const DataParts turned = open_data(folder.path(), {.layout = "nft"});
  CHECK(sample(*turned.train, 0)[1] == 8);
}

TEST_CASE("labels in all their shapes") {
  const test::Folder folder;
  folder.write("x.npy", floats("(4, 2)", ramp(8)));
  const auto classes = [&](const std::string& y) {
    folder.write("y.npy", y);
    const DataParts parts = open_data(folder.path());
    CHECK(parts.all->label(0) == 1);
    CHECK(parts.all->label(1) == 0);
    return parts.train->info().classes;
  };
  const std::string bytes("\2\1\2\1", 4);
  CHECK(classes(npy("|u1", "(4,)", bytes)) == Texts{"1", "2"});
  CHECK(classes(npy("|i1", "(4, 1)", bytes)) == Texts{"1", "2"});
  CHECK(classes(npy("|i1", "(1, 4)", bytes)) == Texts{"1", "2"});
  CHECK(classes(npy("|b1", "(4,)", std::string("\1\0\1\0", 4))) == Texts{"0", "1"});
  CHECK(classes(floats("(4,)", {7, -1, 7, -1})) == Texts{"-1", "7"});
  CHECK(classes(npy("|u1", "(4, 3)", std::string("\0\1\0\1\0\0\0\1\0\1\0\0", 12))) == Texts{"0", "1", "2"});
  CHECK(classes(floats("(4, 2)", {0, 1, 1, 0, 0, 1, 1, 0})) == Texts{"0", "1"});
  CHECK(classes(npy("|S3", "(4,)", std::string("dogcatdogcat"))) == Texts{"cat", "dog"});
  CHECK(classes(npy("<U1", "(4,)", std::string("b\0\0\0a\0\0\0b\0\0\0a\0\0\0", 16))) == Texts{"a", "b"});

  const auto refused = [&](const std::string& y, const char* message) {
    folder.write("y.npy", y);
    return fails_with(Fault::data, message, [&] { open_data(folder.path()); });
  };
  CHECK(refused(npy("|u1", "(3,)", "\1\2\3"), "y of (3) for 4 samples"));
  CHECK(refused(npy("|u1", "(4, 2)", counting(8)), "y of (4,2) is not one-hot"));
  CHECK(refused(floats("(4, 2)", {0.5, 0.5, 1, 0, 1, 0, 1, 0}), "is not one-hot"));
  CHECK(refused(floats("(4,)", {0.25, 1.5, 2.75, 3.5}), "4 different numbers, which measure something"));
  CHECK(refused(floats("(4,)", {0, 1, 0, std::numeric_limits<float>::quiet_NaN()}), "not finite"));
}

TEST_CASE("arrays with a test part of their own, and such that do not fit") {
  const test::Folder folder;
  const auto write = [&](const std::string& x, const std::string& y, std::size_t count) {
    folder.write(x, npy("|u1", "(" + std::to_string(count) + ", 4, 4)", counting(16 * count)));
    folder.write(y, two_classes(count));
  };
  write("train_x.npy", "train_y.npy", 2);
  write("test_x.npy", "test_y.npy", 1);
  const DataParts parts = open_data("npy:" + folder.path());
  CHECK(parts.train->info().kind == DataKind::image);
  CHECK(parts.train->info().shape == Shape{4, 4, 1});
  CHECK(parts.test->size() == 1);

  folder.write("test_x.npy", npy("|u1", "(1, 4, 5)", counting(20)));
  CHECK(fails_with(Fault::data, "(4,5,1)", [&] { open_data(folder.path()); }));
  CHECK(fails_with(Fault::data, "holds labels: give the file of the samples",
                   [&] { open_data("npy:" + folder.path() + "/test_y.npy"); }));
  const DataParts one = open_data(folder / "train_x.npy");
  CHECK(noted(one.train->info(), "test_x.npy beside it is not"));
}

TEST_CASE("a labels file of any name") {
  const test::Folder folder;
  folder.write("photos.npy", npy("|u1", "(2, 4, 4)", counting(32)));
  CHECK(fails_with(Fault::data, "--labels-file FILE.npy", [&] { open_data(folder / "photos.npy"); }));
  CHECK_FALSE(open_data(folder / "photos.npy", {.unlabelled = true}).test->info().labelled);
  folder.write("truth.npy", two_classes(2));
  const DataOptions options{.labels_file = folder / "truth.npy"};
  CHECK(open_data(folder / "photos.npy", options).train->info().classes == Texts{"0", "1"});
  CHECK(open_data(folder.path(), options).train->info().labelled);
}

TEST_CASE("sequences that are shorter") {
  const test::Folder folder;
  std::vector<float> values = ramp(12);
  folder.write("x.npy", floats("(2, 3, 2)", values));
  folder.write("y.npy", two_classes(2));
  folder.write("lengths.npy", npy("|u1", "(2,)", "\3\1"));
  const DataParts parts = open_data(folder.path());
  CHECK(parts.train->length(0) == 3);
  CHECK(parts.train->length(1) == 1);
  CHECK(sample(*parts.train, 1) == std::vector<real>{6, 7, 0, 0, 0, 0});
  folder.write("lengths.npy", npy("|u1", "(2,)", "\4\1"));
  CHECK(fails_with(Fault::data, "sequence 0 has length 4, want 1 to 3", [&] { open_data(folder.path()); }));

  const test::Folder padded;
  padded.write("y.npy", two_classes(2));
  for (const std::size_t i : {8u, 9u, 10u, 11u}) values[i] = std::numeric_limits<float>::quiet_NaN();
  padded.write("x.npy", floats("(2, 3, 2)", values));
  CHECK(open_data(padded.path()).train->length(1) == 1);
  values[0] = values[8];
  padded.write("x.npy", floats("(2, 3, 2)", values));
  CHECK(
      fails_with(Fault::data, "sample 0 holds nan, which is not finite", [&] { open_data(padded.path()); }));
}

TEST_CASE("whole numbers and bools are pictures as they are") {
  const test::Folder folder;
  folder.write("y.npy", two_classes(2));
  folder.write("x.npy", npy("|b1", "(2, 2, 2, 1)", std::string("\0\1\1\0\1\1\0\0", 8)));
  CHECK(sample(*open_data(folder.path()).train, 0) == std::vector<real>{0, 1, 1, 0});
  folder.write("x.npy", npy("|i1", "(2, 2, 2, 1)", std::string("\0\1\1\177\1\1\0\0", 8)));
  CHECK(sample(*open_data(folder.path()).train, 0) == std::vector<real>{0, 1, 1, 127});
}
