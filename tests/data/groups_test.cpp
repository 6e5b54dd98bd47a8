#include "data/groups.h"

#include <doctest/doctest.h>
#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <set>

#include "data/memory.h"
#include "data/split.h"
#include "tests/errors.h"

namespace firn {

namespace {

using Names = std::vector<std::string>;

std::vector<Index> zeros(const Names& names) {
  return std::vector<Index>(names.size());
}

/// 12 scenes of 5 pictures in each of two classes.
struct Scenes {
  Names names;
  std::vector<Index> labels;
  DatasetPtr data;

  explicit Scenes(const std::string& format = "scene{:03}_{}.jpg") {
    std::vector<float> values;
    std::vector<std::int32_t> numbers;
    for (Index scene = 0; scene < 24; ++scene) {
      for (int shot = 1; shot <= 5; ++shot) {
        names.push_back(fmt::format(fmt::runtime(format), scene, shot));
        labels.push_back(scene % 2);
        numbers.push_back(static_cast<std::int32_t>(scene % 2));
        values.push_back(static_cast<float>(scene));
      }
    }
    DataInfo info;
    info.shape = Shape({1});
    info.classes = {"a", "b"};
    data = make_numbers(std::move(info), std::move(values), std::move(numbers));
  }
};

std::set<int> scenes_of(const DatasetPtr& part) {
  std::set<int> scenes;
  real value = 0;
  for (Index i = 0; i < part->size(); ++i) {
    part->fill_numbers(i, {&value, 1});
    scenes.insert(static_cast<int>(value));
  }
  return scenes;
}

bool apart(const std::set<int>& a, const std::set<int>& b) {
  return std::none_of(a.begin(), a.end(), [&](int one) { return b.contains(one); });
}

}  // namespace

TEST_CASE("groups by the longest beginning that a pattern matches") {
  const Names names = {"a_1_x.png", "a_1_y.png", "a_2_x.png", "plain.png", "other.png"};
  CHECK(find_groups(names, zeros(names), "name:*_").of == std::vector<Index>{0, 0, 1, 2, 3});
  CHECK(find_groups(names, zeros(names), "name:?_").of == std::vector<Index>{0, 0, 0, 1, 2});
  const Names nested = {"left/1.png", "left/2.png", "1.png"};
  CHECK(find_groups(nested, zeros(nested), "name:*/").of == std::vector<Index>{0, 0, 1});
  const Names twice = {"a_1.png", "1.png", "1.png"};
  CHECK(find_groups(twice, zeros(twice), "name:*_").of == std::vector<Index>{0, 1, 2});
  CHECK(find_groups({"7", "8", "7"}, {0, 0, 0}, "column:patient").of == std::vector<Index>{0, 1, 0});
  CHECK(group_column("column:patient") == "patient");
  CHECK(group_column("name:*_").empty());
}

TEST_CASE("rules that are none") {
  for (const char* rule : {"name:", "column:", "*_", "scene"}) {
    CAPTURE(rule);
    CHECK(test::fails_with(Fault::usage, "want name:PATTERN", [&] { find_groups({"a"}, {0}, rule); }));
  }
  CHECK(test::fails_with(Fault::usage, "have no names", [] { find_groups({}, {0}, "name:*_"); }));
  CHECK(test::fails_with(Fault::usage, "no such column", [] { find_groups({}, {0}, "column:who"); }));
}

TEST_CASE("bursts are found where names leave little doubt, and nowhere else") {
  for (const char* format :
       {"scene{:03}_{}.jpg", "IMG_2021{:04}_BURST{}.jpg", "v{}-frame{:05}.png", "{} ({}).png"}) {
    CAPTURE(format);
    const Scenes scenes(format);
    const Groups found = find_groups(scenes.names, scenes.labels, "");
    REQUIRE(found.of.size() == scenes.names.size());
    CHECK(*std::max_element(found.of.begin(), found.of.end()) == 23);
    CHECK(found.note.find("24 of up to 5 samples") != std::string::npos);
    CHECK(find_groups(scenes.names, scenes.labels, "none").of.empty());
  }
  // Names of one camera, of classes, of nothing.
  Names camera, ids, plain;
  for (int i = 0; i < 100; ++i) {
    camera.push_back(fmt::format("IMG_{:04}.jpg", i));
    ids.push_back(fmt::format("n0208_{}.jpg", i));
    plain.push_back(fmt::format("{}.png", i));
  }
  for (const Names& names : {camera, ids, plain}) CHECK(find_groups(names, zeros(names), "").of.empty());
  // Each class counts its own pictures: equal names are no scene.
  Names counted;
  std::vector<Index> labels;
  for (int i = 0; i < 100; ++i) {
    counted.push_back(fmt::format("{:02}.jpg", i % 50));
    labels.push_back(i / 50);
  }
  CHECK(find_groups(counted, labels, "").of.empty());
}

TEST_CASE("no scene is in two parts, and classes keep their shares") {
  const Scenes scenes;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    CAPTURE(seed);
    const DataParts parts = complete_parts({.train = scenes.data, .names = scenes.names}, {.seed = seed});
    const std::set<int> train = scenes_of(parts.train), validation = scenes_of(parts.validation),
                        test = scenes_of(parts.test);
    CHECK(apart(train, test));
    CHECK(apart(train, validation));
    CHECK(apart(validation, test));
    CHECK(train.size() + validation.size() + test.size() == 24);
    CHECK(class_counts(*parts.test) ==
          std::vector<Index>{10, 10});  // of 60 each: two scenes are nearest to 12
    CHECK(class_counts(*parts.validation) == std::vector<Index>{10, 10});
  }
  // Without groups the same scenes are in all parts.
  const DataParts mixed = complete_parts({.train = scenes.data, .names = scenes.names}, {.group = "none"});
  CHECK_FALSE(apart(scenes_of(mixed.train), scenes_of(mixed.test)));
}

TEST_CASE("a class of one group stays in training") {
  DataInfo info;
  info.shape = Shape({1});
  info.classes = {"a", "b"};
  const DatasetPtr data = make_numbers(info, {0, 1, 2, 3, 4, 5}, {0, 0, 0, 1, 1, 1});
  const DataParts parts =
      complete_parts({.train = data, .names = {"p", "p", "p", "q", "r", "s"}}, {.group = "column:who"});
  CHECK(class_counts(*parts.test) == std::vector<Index>{0, 1});
}

}  // namespace firn
