// Random changes that mix pixels or colours; shifts, crops and flips are in transform_test.cpp.
#include "data/augment.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "data/loader.h"
#include "data/memory.h"
#include "tests/errors.h"

namespace {

using namespace firn;
using test::fails_with;

constexpr Index kSide = 21;

/// A value at each place.
template <class F>
std::vector<real> picture(Index channels, F value) {
  std::vector<real> image;
  for (Index y = 0; y < kSide; ++y) {
    for (Index x = 0; x < kSide; ++x) {
      for (Index c = 0; c < channels; ++c) image.push_back(static_cast<real>(value(y, x, c)));
    }
  }
  return image;
}

std::vector<real> changed(const Augment& augment, const std::vector<real>& image, Index sample,
                          std::uint64_t epoch = 1) {
  std::vector<real> to(image.size());
  const Index channels = static_cast<Index>(image.size()) / (kSide * kSide);
  apply(augment, Shape({kSide, kSide, channels}), 7, epoch, sample, image, to);
  return to;
}

real least(const std::vector<real>& image) {
  return *std::min_element(image.begin(), image.end());
}
real most(const std::vector<real>& image) {
  return *std::max_element(image.begin(), image.end());
}
double mean(const std::vector<real>& image) {
  return std::accumulate(image.begin(), image.end(), 0.0) / static_cast<double>(image.size());
}

const std::vector<real>& columns() {
  static const std::vector<real> image = picture(1, [](Index, Index x, Index) { return double(x) / 20; });
  return image;
}
const std::vector<real>& rows() {
  static const std::vector<real> image = picture(1, [](Index y, Index, Index) { return double(y) / 20; });
  return image;
}

TEST_CASE("a rectangle of the asked area and sides, wholly within the image") {
  const Augment augment{.resized = 0.25};
  double area_sum = 0, middle_sum = 0;
  constexpr int kSamples = 400;
  for (Index i = 0; i < kSamples; ++i) {
    const std::vector<real> across = changed(augment, columns(), i), down = changed(augment, rows(), i);
    // From the first pixel's middle to the last one's, of 21.
    const double width = (most(across) - least(across));
    const double height = most(down) - least(down);
    CHECK(least(across) >= 0);
    CHECK(most(across) <= 1);
    CHECK(width * height > 0.25 * 0.8);
    CHECK(width / height < 4.0 / 3 * 1.15);
    CHECK(height / width < 4.0 / 3 * 1.15);
    area_sum += width * height;
    middle_sum += mean(across);
    CHECK(std::is_sorted(across.begin(), across.begin() + kSide));
  }
  // Areas are even between a quarter and all; sides that do not fit are cut.
  CHECK(area_sum / kSamples > 0.5);
  CHECK(area_sum / kSamples < 0.66);
  CHECK(std::abs(middle_sum / kSamples - 0.5) < 0.03);
}

TEST_CASE("it is turned about its middle, which stays, and no pixel becomes another brightness") {
  const Augment augment{.rotate = 30};
  bool both[2] = {false, false};
  for (Index i = 0; i < 50; ++i) {
    const std::vector<real> across = changed(augment, columns(), i), down = changed(augment, rows(), i);
    constexpr std::size_t kMiddle = 10 * kSide + 10;
    CHECK(std::abs(across[kMiddle] - 0.5) < 1e-6);
    const double cosine = (across[kMiddle + 1] - across[kMiddle]) * 20;
    const double sine = (down[kMiddle + 1] - down[kMiddle]) * 20;
    CHECK(std::abs(cosine * cosine + sine * sine - 1) < 1e-4);
    CHECK(cosine > std::cos(31.0 / 180 * 3.14159265));
    both[sine > 0] = true;
    CHECK(least(across) >= 0);
    CHECK(most(across) <= 1);
  }
  CHECK(both[0]);
  CHECK(both[1]);
  const std::vector<real> flat(kSide * kSide * 3, real(0.25));
  CHECK(changed({.resized = 0.3, .rotate = 45}, flat, 3) == flat);
}

TEST_CASE("colours: what each changes and what it leaves") {
  const std::vector<real> image = picture(
      3, [](Index y, Index x, Index c) { return 0.35 + 0.3 * double((y * 7 + x * 3 + c * 5) % 21) / 20; });
  const auto grey = [](const std::vector<real>& of, std::size_t at) {
    return 0.299 * of[3 * at] + 0.587 * of[3 * at + 1] + 0.114 * of[3 * at + 2];
  };
  const auto mean_grey = [&](const std::vector<real>& of) {
    double sum = 0;
    for (std::size_t at = 0; at < of.size() / 3; ++at) sum += grey(of, at);
    return sum / static_cast<double>(of.size() / 3);
  };
  double lowest = 2, highest = 0;
  for (Index i = 0; i < 60; ++i) {
    const std::vector<real> brighter = changed({.brightness = 0.4}, image, i);
    const double factor = brighter[0] / image[0];
    lowest = std::min(lowest, factor);
    highest = std::max(highest, factor);
    for (std::size_t k = 0; k < image.size(); k += 17)
      CHECK(std::abs(brighter[k] / image[k] - factor) < 1e-5);
    const std::vector<real> harder = changed({.contrast = 0.4}, image, i);
    CHECK(std::abs(mean_grey(harder) - mean_grey(image)) < 1e-5);
    const std::vector<real> paler = changed({.saturation = 0.4}, image, i);
    for (std::size_t at = 0; at < image.size() / 3; at += 11)
      CHECK(std::abs(grey(paler, at) - grey(image, at)) < 1e-5);
  }
  CHECK(lowest >= 0.6 - 1e-6);
  CHECK(lowest < 0.7);
  CHECK(highest <= 1.4 + 1e-6);
  CHECK(highest > 1.3);
  const std::vector<real> plain(kSide * kSide * 3, real(0.5));
  CHECK(changed({.saturation = 1}, plain, 1) == plain);
  const std::vector<real> wide = picture(3, [](Index y, Index x, Index) { return double((y + x) % 2); });
  const std::vector<real> cut = changed({.brightness = 1, .contrast = 1}, wide, 2);
  CHECK(least(cut) >= 0);
  CHECK(most(cut) <= 1);
}

TEST_CASE("a function of seed, epoch and sample, whoever asks and in whatever company") {
  const Augment augment{.flip = true, .shift = 1, .crop = 1, .resized = 0.5, .rotate = 10, .brightness = 0.2};
  CHECK(changed(augment, columns(), 4) == changed(augment, columns(), 4));
  CHECK(changed(augment, columns(), 4) != changed(augment, columns(), 5));
  CHECK(changed(augment, columns(), 4) != changed(augment, columns(), 4, 2));
  CHECK(augment.views() == 0);
  CHECK(Augment{.flip = true, .rotate = 1}.views() == 0);

  DataInfo info;
  info.kind = DataKind::image;
  info.shape = Shape({kSide, kSide, 1});
  info.classes = {"a"};
  std::vector<std::uint8_t> pixels;
  for (int i = 0; i < 9 * kSide * kSide; ++i) pixels.push_back(static_cast<std::uint8_t>(i * 7 % 256));
  const DatasetPtr data = make_byte_images(info, pixels, std::vector<std::int32_t>(9));
  LoaderOptions options{.batch = 9, .seed = 3, .augment = augment};
  Loader whole(data, options);
  whole.start(5);
  const Tensor all = whole.next()->x;
  for (Index shard = 0; shard < 3; ++shard) {
    options.shards = 3;
    options.shard = shard;
    options.background = shard == 1;
    Loader part(data, options);
    part.start(5);
    const Batch* batch = part.next();
    const Index count = batch->count * kSide * kSide, first = batch->rows_before * kSide * kSide;
    CHECK(std::equal(batch->x.data(), batch->x.data() + count, all.data() + first));
  }
}

TEST_CASE("strengths out of range are refused") {
  const Shape shape({kSide, kSide, 3});
  CHECK_NOTHROW(check_augment({.resized = 0.08, .rotate = 180, .saturation = 1}, shape));
  CHECK(fails_with(Fault::usage, "resized 0", [&] { check_augment({.resized = 0}, shape); }));
  CHECK(fails_with(Fault::usage, "resized 1.5", [&] { check_augment({.resized = 1.5}, shape); }));
  CHECK(fails_with(Fault::usage, "rotate 181", [&] { check_augment({.rotate = 181}, shape); }));
  CHECK(fails_with(Fault::usage, "colour of 2", [&] { check_augment({.contrast = 2}, shape); }));
  CHECK(fails_with(Fault::usage, "shift 21", [&] { check_augment({.shift = 21}, shape); }));
  CHECK(fails_with(Fault::usage, "rotate nan", [&] { check_augment({.rotate = std::nan("")}, shape); }));
}

}  // namespace
