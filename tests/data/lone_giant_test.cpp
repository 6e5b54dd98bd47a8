#include "data/lone_giant.h"

#include <doctest/doctest.h>

#include "data/memory.h"

using namespace firn;

namespace {

/// Two columns, named a and b.
DatasetPtr table(std::vector<float> values) {
  DataInfo info;
  info.name = "table";
  info.shape = Shape({2});
  info.classes = {"x"};
  info.features = {"a", "b"};
  std::vector<std::int32_t> labels(values.size() / 2, 0);
  return make_numbers(std::move(info), std::move(values), std::move(labels));
}

bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("one number a million times as large as the others of its column") {
  CHECK(lone_giant(*table({1, 2, 3, -4, 2, 5})).empty());
  CHECK(lone_giant(*table({1, 2e6F, 1, 3, 1, 4})).empty());
  const std::string found = lone_giant(*table({1, 2, 3, -1e9F, 2, 5}));
  CHECK(holds(found, "sample 1 (counted from 0) of table holds 1e+09 in 'b', no other sample more than 5"));
}

TEST_CASE("numbers of a part far beyond what was learned from") {
  const std::vector<real> known = column_reach(*table({1, 2, -3, 4}));
  CHECK(known == std::vector<real>{3, 4});
  CHECK(giant_beside(*table({1, 2, 2e6F, 1}), known).empty());
  const std::string found = giant_beside(*table({1, 2, 5e6F, 0, 1, -1e20F}), known);
  CHECK(holds(found,
              "sample 2 (counted from 0) of table holds 1e+20 in 'b', what was learned from reaches to 4"));
  // A column that was always zero; one reach for all columns; what is large in both.
  CHECK(holds(giant_beside(*table({2e6F, 0}), std::vector<real>{0, 1}), "in 'a'"));
  CHECK(holds(giant_beside(*table({0, 2e7F}), std::vector<real>{2}), "reaches to 2"));
  CHECK(giant_beside(*table({0, 2e7F}), std::vector<real>{1e6F}).empty());
  CHECK(giant_beside(*table({0, 2e7F}), {}).empty());
}
