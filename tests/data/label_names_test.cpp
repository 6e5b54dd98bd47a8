#include "data/label_names.h"

#include <doctest/doctest.h>

#include <array>

using namespace firn;

namespace {

using Texts = std::vector<std::string>;
using Labels = std::vector<std::int32_t>;

Texts merged(TextLabels& a, TextLabels& b, char point = '.') {
  const std::array<TextLabels*, 2> parts = {&a, &b};
  return merge_classes(parts, point);
}

/// As many labels as names, one each.
TextLabels each(Texts names) {
  TextLabels part;
  for (std::size_t i = 0; i < names.size(); ++i) part.labels.push_back(static_cast<std::int32_t>(i));
  part.classes = std::move(names);
  return part;
}

/// `different` numbers from `first` on, `step` apart, `times` each.
TextLabels numbers(int different, double first, double step, int times) {
  TextLabels part;
  for (int i = 0; i < different; ++i) part.classes.push_back(std::to_string(first + step * i));
  for (int i = 0; i < different * times; ++i) part.labels.push_back(i % different);
  return part;
}

}  // namespace

TEST_CASE("equal values are one class where all labels are numbers") {
  TextLabels a = each({"10", "1.0", "9", "01"});
  TextLabels b = each({"1", "-2.5", "-0", "0"});
  CHECK(merged(a, b) == Texts{"-2.5", "0", "1", "9", "10"});
  CHECK(a.labels == Labels{4, 2, 3, 2});
  CHECK(b.labels == Labels{2, 0, 1, 1});
  TextLabels c = each({"1,5"});
  TextLabels d = each({"1,50", "2"});
  CHECK(merged(c, d, ',') == Texts{"1.5", "2"});
}

TEST_CASE("names stay as they are, and so do numbers among names") {
  TextLabels a = each({"b", "1.0"});
  TextLabels b = each({"a", "1"});
  CHECK(merged(a, b) == Texts{"1", "1.0", "a", "b"});
  CHECK(a.labels == Labels{3, 1});
  TextLabels c = each({"12345678901234567890"});
  TextLabels d = each({"12345678901234567891"});
  CHECK(merged(c, d).size() == 2);
}

TEST_CASE("what measures is no class") {
  CHECK(is_measure(numbers(198, 25, 1.7, 1)));
  CHECK(is_measure(numbers(30, 0, 0.1, 100)));
  CHECK(is_measure(numbers(10, 0, 0.37, 1)));
  CHECK(is_measure(numbers(214, 25, 2, 2)));
  CHECK_FALSE(is_measure(numbers(3, 0, 0.5, 50)));
  CHECK_FALSE(is_measure(numbers(62, 0, 1, 2)));
  CHECK_FALSE(is_measure(numbers(10, 0, 1, 1)));
  CHECK_FALSE(is_measure(each({"a", "b"})));
  CHECK_FALSE(is_measure({}));
}

TEST_CASE("classes on one line") {
  CHECK(classes_text({"a", "b"}, {3, 4}) == "2 classes: a 3, b 4");
  CHECK(classes_text({"a"}, {3}) == "1 class: a 3");
  Texts many(12, "x");
  std::vector<Index> counts(12, 5);
  CHECK(classes_text(many, counts) == "12 classes of 5 samples each");
  counts[3] = 2;
  CHECK(classes_text(many, counts) == "12 classes of 2 to 5 samples");
}
