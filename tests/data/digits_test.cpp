#include "data/digits.h"

#include <doctest/doctest.h>

#include <numeric>

#include "data/source.h"

using namespace firn;

TEST_CASE("the embedded digits are the UCI set") {
  const DataParts digits = open_data("digits", {.split = {.validation = false}});
  CHECK(digits.train->size() == 1437);
  CHECK(digits.test->size() == 360);
  CHECK(digits.train->info().shape == Shape({8, 8, 1}));
  CHECK(digits.train->class_count() == 10);

  std::vector<Index> counts = class_counts(*digits.train);
  const std::vector<Index> test_counts = class_counts(*digits.test);
  for (std::size_t c = 0; c < 10; ++c) counts[c] += test_counts[c];
  CHECK(counts == std::vector<Index>{178, 182, 177, 183, 181, 182, 181, 179, 174, 180});
}

TEST_CASE("a digit's pixels are sixteenths") {
  const DataParts digits = open_digits();
  std::vector<real> pixels(64);
  double sum = 0;
  for (Index i = 0; i < digits.train->size(); ++i) {
    digits.train->fill_numbers(i, pixels);
    for (const real p : pixels) {
      const double sixteenths = 16.0 * static_cast<double>(p);
      REQUIRE(sixteenths == static_cast<int>(sixteenths));
      REQUIRE(sixteenths <= 16);
      sum += sixteenths;
    }
  }
  // The first record of the published file is this zero.
  digits.train->fill_numbers(0, pixels);
  CHECK(digits.train->label(0) == 0);
  const int first_row[8] = {0, 0, 5, 13, 9, 1, 0, 0};
  for (std::size_t x = 0; x < 8; ++x) CHECK(pixels[x] * 16 == first_row[x]);
  CHECK(sum / (1437 * 64) == doctest::Approx(4.88).epsilon(0.01));
}
