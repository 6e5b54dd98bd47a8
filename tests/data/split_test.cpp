#include "data/split.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>

#include "data/memory.h"

namespace firn {

namespace {

/// Vectors of one number, their position, in classes of these sizes that take turns.
DatasetPtr set_of(std::vector<Index> sizes) {
  DataInfo info;
  info.name = "set";
  info.shape = Shape({1});
  for (std::size_t c = 0; c < sizes.size(); ++c) info.classes.push_back(std::to_string(c));
  std::vector<float> values;
  std::vector<std::int32_t> labels;
  while (std::any_of(sizes.begin(), sizes.end(), [](Index n) { return n > 0; })) {
    for (std::size_t c = 0; c < sizes.size(); ++c) {
      if (sizes[c]-- <= 0) continue;
      values.push_back(static_cast<float>(labels.size()));
      labels.push_back(static_cast<std::int32_t>(c));
    }
  }
  return make_numbers(std::move(info), std::move(values), std::move(labels));
}

std::vector<int> values_of(const DatasetPtr& part) {
  std::vector<int> values;
  real value = 0;
  for (Index i = 0; part && i < part->size(); ++i) {
    part->fill_numbers(i, {&value, 1});
    values.push_back(static_cast<int>(value));
  }
  return values;
}

/// A text of `windows` windows whose token is their position.
class Text : public Dataset {
 public:
  explicit Text(Index windows) : Dataset(info_of()), windows_(windows) {}
  Index size() const override { return windows_; }
  std::int32_t label(Index) const override { return 0; }
  void fill_tokens(Index i, std::span<std::int32_t> to) const override {
    std::fill(to.begin(), to.end(), static_cast<std::int32_t>(i));
  }

 private:
  static DataInfo info_of() {
    DataInfo info;
    info.kind = DataKind::tokens;
    info.shape = Shape({1});
    info.classes = {"a"};
    info.label_each_step = true;
    return info;
  }
  Index windows_;
};

std::vector<std::int32_t> windows_of(const DatasetPtr& part) {
  std::vector<std::int32_t> windows(static_cast<std::size_t>(part->size()));
  for (Index i = 0; i < part->size(); ++i) part->fill_tokens(i, {&windows[static_cast<std::size_t>(i)], 1});
  return windows;
}

}  // namespace

TEST_CASE("parts that no file holds are drawn of each class, once each sample") {
  const DatasetPtr set = set_of({100, 50, 10, 1});
  const DataParts parts = complete_parts({.train = set});
  CHECK(class_counts(*parts.test) == std::vector<Index>{20, 10, 2, 0});
  CHECK(class_counts(*parts.validation) == std::vector<Index>{16, 8, 1, 0});
  CHECK(class_counts(*parts.train) == std::vector<Index>{64, 32, 7, 1});
  CHECK(parts.all == set);
  std::vector<int> all;
  for (const DatasetPtr& part : {parts.train, parts.validation, parts.test}) {
    const std::vector<int> own = values_of(part);
    CHECK(std::is_sorted(own.begin(), own.end()));
    all.insert(all.end(), own.begin(), own.end());
  }
  std::sort(all.begin(), all.end());
  CHECK(all == values_of(set));
  CHECK(parts.notes.size() == 2);
}

TEST_CASE("the split has a seed of its own") {
  const DatasetPtr set = set_of({100, 100});
  const DataParts parts = complete_parts({.train = set});
  const DataParts again = complete_parts({.train = set}, {.label_seed = 5});
  CHECK(values_of(parts.test) == values_of(again.test));
  CHECK(values_of(parts.validation) == values_of(again.validation));
  const DataParts other = complete_parts({.train = set}, {.seed = 1});
  CHECK(values_of(parts.test) != values_of(other.test));
  CHECK(values_of(parts.validation) != values_of(other.validation));
  // Not a rule of the order: what is drawn is no arithmetic sequence.
  std::set<int> steps;
  const std::vector<int> test = values_of(parts.test);
  for (std::size_t i = 1; i < test.size(); ++i) steps.insert(test[i] - test[i - 1]);
  CHECK(steps.size() > 3);
}

TEST_CASE("validation comes out of the training part where the files hold a test part") {
  const DatasetPtr train = set_of({10, 10}), test = set_of({3, 4});
  const DataParts parts = complete_parts({.train = train, .test = test});
  CHECK(parts.test == test);
  CHECK(class_counts(*parts.validation) == std::vector<Index>{1, 1});
  CHECK(class_counts(*parts.train) == std::vector<Index>{9, 9});
  CHECK(parts.all->size() == 27);
  const DataParts whole = complete_parts({.train = train, .validation = set_of({2, 2}), .test = test});
  CHECK(whole.train == train);
  CHECK(whole.validation->size() == 4);
  CHECK(whole.test == test);
  CHECK(whole.notes.empty());
}

TEST_CASE("a lone validation part serves as test, and that is said") {
  const DatasetPtr given = set_of({3, 4});
  const DataParts parts = complete_parts({.train = set_of({10, 10}), .validation = given});
  CHECK(parts.test == given);
  CHECK(parts.validation->size() == 2);
  REQUIRE(parts.notes.size() == 2);
  CHECK(parts.notes[0].find("as they hold no test part") != std::string::npos);
}

TEST_CASE("validation comes out of the labels that there are") {
  const DatasetPtr set = set_of({1000, 1000});
  const DataParts parts = complete_parts({.train = set}, {.labels = 10});
  CHECK(class_counts(*parts.train) == std::vector<Index>{9, 9});
  CHECK(class_counts(*parts.validation) == std::vector<Index>{1, 1});
  CHECK(values_of(parts.test) == values_of(complete_parts({.train = set}).test));
  CHECK(parts.notes.back().find("10 a class are few") != std::string::npos);

  const DataParts thirty = complete_parts({.train = set}, {.labels = 30});
  CHECK(class_counts(*thirty.validation) == std::vector<Index>{6, 6});
  CHECK(class_counts(*complete_parts({.train = set}, {.labels = 29}).validation) == std::vector<Index>{2, 2});

  const DataParts four = complete_parts({.train = set}, {.labels = 4});
  CHECK(four.validation == nullptr);
  CHECK(class_counts(*four.train) == std::vector<Index>{4, 4});
  CHECK(four.notes.back().find("the last epoch's weights are kept") != std::string::npos);

  const DataParts none = complete_parts({.train = set}, {.validation = false});
  CHECK(none.validation == nullptr);
  CHECK(none.train->size() == 1600);
}

TEST_CASE("of a large set 5000 samples validate") {
  const DataParts parts = complete_parts({.train = set_of({30000, 10000}), .test = set_of({1})});
  CHECK(class_counts(*parts.validation) == std::vector<Index>{3750, 1250});
}

TEST_CASE("a text is divided without gaps or mixing") {
  const auto text = std::make_shared<Text>(30);
  const DataParts parts = complete_parts({.train = text});
  CHECK(windows_of(parts.test) == std::vector<std::int32_t>{27, 28, 29});
  CHECK(windows_of(parts.validation) == std::vector<std::int32_t>{24, 25, 26});
  CHECK(parts.train->size() == 24);
}

TEST_CASE("sets too small to divide") {
  const DataParts parts = complete_parts({.train = set_of({1, 1})});
  CHECK(parts.test == nullptr);
  CHECK(parts.validation == nullptr);
  CHECK(parts.train->size() == 2);
  CHECK(complete_parts({.test = set_of({5})}).train == nullptr);
}

}  // namespace firn
