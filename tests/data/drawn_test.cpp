// The drawn figures: always the same, of any size, with classes that differ.
#include "data/drawn.h"

#include <doctest/doctest.h>

#include <vector>

#include "data/source.h"
#include "tests/errors.h"

namespace {

using namespace firn;

std::vector<real> image(const Dataset& data, Index i) {
  std::vector<real> pixels(static_cast<std::size_t>(data.info().shape.count()));
  data.fill_numbers(i, pixels);
  return pixels;
}

TEST_CASE("the same figures every time, every one with ink and paper, in all sizes") {
  for (const Index size : {6, 8, 28}) {
    CAPTURE(size);
    const DataParts first = open_data("drawn", {.size = size, .split = {.validation = false}});
    CHECK(fingerprint(*first.train) == fingerprint(*open_drawn({}, {.size = size}).train));
    CHECK(fingerprint(*first.test) != fingerprint(*first.train));
    CHECK(first.train->info().shape == Shape({size, size, 1}));
    CHECK(first.train->size() == 60 * 60);
    for (const Index count : class_counts(*first.test)) CHECK(count == 15);
    Index bare = 0, full = 0;
    for (Index i = 0; i < first.train->size(); ++i) {
      double ink = 0;
      for (const real value : image(*first.train, i)) ink += static_cast<double>(value);
      const double share = ink / static_cast<double>(size * size);
      bare += share < 0.01 ? 1 : 0;
      full += share > 0.9 ? 1 : 0;
    }
    CHECK(bare == 0);
    CHECK(full < first.train->size() / 100);
  }
  CHECK(test::fails_with(Fault::usage, "6 to 256", [] { open_drawn({}, {.size = 5}); }));
}

TEST_CASE("samples of a class are nearer to its mean than to most others'") {
  const DataParts parts = open_drawn({}, {.size = 12});
  const auto classes = static_cast<std::size_t>(parts.train->class_count());
  std::vector<std::vector<double>> means(classes, std::vector<double>(144));
  for (Index i = 0; i < parts.train->size(); ++i) {
    const std::vector<real> pixels = image(*parts.train, i);
    std::vector<double>& mean = means[static_cast<std::size_t>(parts.train->label(i))];
    for (std::size_t k = 0; k < 144; ++k) mean[k] += static_cast<double>(pixels[k]) / 60;
  }
  Index right = 0;
  for (Index i = 0; i < parts.test->size(); ++i) {
    const std::vector<real> pixels = image(*parts.test, i);
    std::size_t best = 0;
    double least = 1e30;
    for (std::size_t c = 0; c < classes; ++c) {
      double squares = 0;
      for (std::size_t k = 0; k < 144; ++k) {
        const double d = static_cast<double>(pixels[k]) - means[c][k];
        squares += d * d;
      }
      if (squares < least) {
        least = squares;
        best = c;
      }
    }
    right += best == static_cast<std::size_t>(parts.test->label(i)) ? 1 : 0;
  }
  // Chance is 1 in 60; all right would leave nothing to learn.
  CHECK(right > parts.test->size() * 3 / 10);
  CHECK(right < parts.test->size() * 98 / 100);
}

}  // namespace
