#include "data/transform.h"

#include <doctest/doctest.h>

#include <cmath>
#include <set>

#include "data/augment.h"
#include "data/memory.h"
#include "tests/errors.h"

using namespace firn;
using test::fails_with;

namespace {

DatasetPtr images() {
  DataInfo info;
  info.name = "images";
  info.kind = DataKind::image;
  info.shape = Shape({1, 2, 2});
  info.classes = {"a"};
  return make_numbers(std::move(info), {1, 5, 3, 5, 5, 5, 7, 5}, {0, 0});
}

/// A picture of 3 × 4 whose pixel holds its own position + 1.
std::vector<real> picture() {
  std::vector<real> values(12);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<real>(i + 1);
  return values;
}

std::vector<real> augmented(const Augment& augment, std::uint64_t epoch, Index sample) {
  std::vector<real> to(12, -1);
  apply(augment, Shape({3, 4, 1}), 7, epoch, sample, picture(), to);
  return to;
}

}  // namespace

TEST_CASE("mean and deviation of each channel") {
  const Preprocess p = standardise(*images());
  CHECK(p.mean == std::vector<double>{4, 5});
  CHECK(p.deviation[0] == doctest::Approx(std::sqrt(5.0)));
  CHECK(p.deviation[1] == 1);
}

TEST_CASE("scale, reverse, subtract, divide") {
  std::vector<real> values = {1, 2, 3, 4, 5, 6};
  apply({.scale = 10, .mean = {30, 20, 10}, .deviation = {1, 2, 5}, .bgr = true}, 3, values);
  CHECK(values == std::vector<real>{0, 0, 0, 30, 15, 6});
  std::vector<real> same = {1, 2};
  apply({}, 2, same);
  CHECK(same == std::vector<real>{1, 2});
}

TEST_CASE("lists that do not fit") {
  const DatasetPtr data = images();
  const DataInfo& info = data->info();
  CHECK(fails_with(Fault::usage, "1 values for the 2 channels",
                   [&] { check_preprocess({.mean = {1}}, info); }));
  CHECK(fails_with(Fault::usage, "not positive", [&] { check_preprocess({.deviation = {1, 0}}, info); }));
  CHECK(fails_with(Fault::usage, "not positive", [&] { check_preprocess({.deviation = {1, NAN}}, info); }));
  check_preprocess({.mean = {1, 2}, .deviation = {1, 2}}, info);
}

TEST_CASE("a flip takes about half of the samples") {
  int flips = 0;
  for (Index i = 0; i < 1000; ++i) {
    const auto out = augmented({.flip = true}, 0, i);
    const bool flipped = out[0] == 4;
    flips += flipped;
    CHECK(out == (flipped ? std::vector<real>{4, 3, 2, 1, 8, 7, 6, 5, 12, 11, 10, 9} : picture()));
  }
  CHECK(flips > 420);
  CHECK(flips < 580);
}

TEST_CASE("a flip takes an image in every other epoch, and is two views of it") {
  for (Index i = 0; i < 50; ++i) {
    CHECK(augmented({.flip = true}, 0, i) != augmented({.flip = true}, 1, i));
    CHECK(augmented({.flip = true}, 0, i) == augmented({.flip = true}, 2, i));
  }
  CHECK(Augment{.flip = true}.views() == 2);
  CHECK(Augment{.flip = true, .shift = 1}.views() == 0);
  CHECK(Augment{}.views() == 0);
}

TEST_CASE("a shift repeats the border, a crop brings zeros in") {
  std::set<std::vector<real>> shifted;
  std::set<std::vector<real>> cropped;
  for (Index i = 0; i < 300; ++i) {
    shifted.insert(augmented({.shift = 1}, 0, i));
    cropped.insert(augmented({.crop = 1}, 0, i));
  }
  CHECK(shifted.size() == 9);
  CHECK(cropped.size() == 9);
  CHECK(shifted.contains({1, 2, 3, 4, 1, 2, 3, 4, 5, 6, 7, 8}));
  CHECK(shifted.contains({6, 7, 8, 8, 10, 11, 12, 12, 10, 11, 12, 12}));
  CHECK(cropped.contains({0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8}));
  CHECK(cropped.contains({6, 7, 8, 0, 10, 11, 12, 0, 0, 0, 0, 0}));
}

TEST_CASE("the change is a function of seed, epoch and sample") {
  const Augment all{.flip = true, .shift = 1, .crop = 1};
  int differ = 0;
  for (Index i = 0; i < 50; ++i) {
    CHECK(augmented(all, 3, i) == augmented(all, 3, i));
    differ += augmented(all, 3, i) != augmented(all, 4, i);
  }
  CHECK(differ > 25);
}
