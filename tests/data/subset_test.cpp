#include "data/subset.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>

#include "data/digits.h"
#include "data/memory.h"
#include "tests/errors.h"

using namespace firn;
using test::fails_with;

namespace {

/// Vectors that hold their own position; labels as given.
DatasetPtr numbered(std::vector<std::int32_t> labels) {
  DataInfo info;
  info.name = "numbered";
  info.shape = Shape({1});
  info.classes = {"a", "b", "c"};
  std::vector<float> values;
  for (std::size_t i = 0; i < labels.size(); ++i) values.push_back(static_cast<float>(i));
  return make_numbers(std::move(info), std::move(values), std::move(labels));
}

std::vector<int> positions(const Dataset& data) {
  std::vector<int> found;
  for (Index i = 0; i < data.size(); ++i) {
    real value = 0;
    data.fill_numbers(i, {&value, 1});
    found.push_back(static_cast<int>(value));
  }
  return found;
}

}  // namespace

TEST_CASE("samples by position") {
  const DatasetPtr data = numbered({0, 1, 2, 0});
  CHECK(positions(*subset(data, {3, 1})) == std::vector<int>{3, 1});
  CHECK(subset(data, {3, 1})->label(1) == 1);
  CHECK(fails_with(Fault::usage, "no sample 4 among 4", [&] { subset(data, {4}); }));
  CHECK(fails_with(Fault::usage, "no sample -1", [&] { subset(data, {-1}); }));
}

TEST_CASE("where a sample is held, whatever views it is seen in") {
  const DatasetPtr data = numbered({0, 1, 2, 0, 2}), other = numbered({0, 1});
  const std::vector<std::int32_t> wanted = {2, 0};
  const DatasetPtr view = subset(subset_classes(data, wanted, true), {3, 1});
  CHECK(view->origin(0).set == data.get());
  CHECK(view->origin(0).index == 4);
  CHECK(view->origin(1).index == 2);
  const DatasetPtr both = concatenated(view, other);
  CHECK(both->origin(1).index == 2);
  CHECK(both->origin(2).set == other.get());
  CHECK(both->origin(2).index == 0);
}

TEST_CASE("samples by class") {
  const DatasetPtr data = numbered({0, 1, 2, 0, 2});
  const std::vector<std::int32_t> wanted = {2, 0};
  const DatasetPtr relabelled = subset_classes(data, wanted, true);
  CHECK(positions(*relabelled) == std::vector<int>{0, 2, 3, 4});
  CHECK(relabelled->label(0) == 1);
  CHECK(relabelled->label(1) == 0);
  CHECK(relabelled->info().classes == std::vector<std::string>{"c", "a"});
  const DatasetPtr kept = subset_classes(data, wanted, false);
  CHECK(kept->label(1) == 2);
  CHECK(kept->class_count() == 3);
  CHECK(
      fails_with(Fault::usage, "class 3", [&] { subset_classes(data, std::vector<std::int32_t>{3}, true); }));
  CHECK(fails_with(Fault::usage, "class 1", [&] {
    subset_classes(data, std::vector<std::int32_t>{1, 1}, true);
  }));
}

TEST_CASE("so many of each class, the smaller choice within the larger") {
  const DatasetPtr digits = open_digits().train;
  const auto five = positions(*subset_per_class(numbered(std::vector<std::int32_t>(40, 1)), 5, 3));
  const auto twenty = positions(*subset_per_class(numbered(std::vector<std::int32_t>(40, 1)), 20, 3));
  CHECK(five.size() == 5);
  CHECK(std::includes(twenty.begin(), twenty.end(), five.begin(), five.end()));
  CHECK(positions(*subset_per_class(numbered(std::vector<std::int32_t>(40, 1)), 5, 4)) != five);
  CHECK(class_counts(*subset_per_class(digits, 7, 1)) == std::vector<Index>(10, 7));
  CHECK(subset_per_class(digits, 100000, 1)->size() == digits->size());
  CHECK(fingerprint(*subset_per_class(digits, 100000, 1)) == fingerprint(*digits));
}
