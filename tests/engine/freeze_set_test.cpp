// What is frozen, as a value.
#include "engine/graph/freeze_set.h"

#include <doctest/doctest.h>

#include <map>

#include "engine/base/error.h"
#include "engine/ops/dense.h"
#include "engine/ops/loss.h"
#include "engine/program/program.h"
#include "tests/errors.h"

using namespace firn;
using test::fails_with;

namespace {

ParameterPtr dense_weight(const std::string& name, Index in, Index out) {
  Tensor value(Shape{in, out});
  for (Index i = 0; i < value.count(); ++i) value.data()[i] = static_cast<real>(i % 7) / 8 - real(0.25);
  return std::make_shared<Parameter>(name, std::move(value), Role::weight,
                                     FileLayout{Shape{out, in}, Shape{out, in}, {1, 0}});
}

}  // namespace

TEST_CASE("a set is a value: a copy stays as it was, equal sets are equal however they were made") {
  const Parameter a("a", Tensor(Shape{8}), Role::bias), b("b", Tensor(Shape{4}), Role::bias);
  FreezeSet set;
  CHECK(set.empty());
  CHECK(set == FreezeSet());
  CHECK(set.trains(a));
  set.freeze(a);
  const FreezeSet copy = set;
  set.set_frozen_units(b, {{2, 4}});
  CHECK_FALSE(copy == set);
  CHECK(copy.trains(b));
  CHECK(copy.trainable_ranges(b) == nullptr);
  CHECK(set.trains(b));
  REQUIRE(set.trainable_ranges(b) != nullptr);
  CHECK(set.trainable_ranges(b)->ranges == std::vector<UnitRange>{{0, 2}});
  CHECK(set.text(b) == "2 of 4 units frozen");
  CHECK(set.text(a) == "frozen");

  FreezeSet other;
  other.set_frozen_units(b, {{3, 4}, {2, 3}});
  other.freeze(a);
  CHECK(other == set);
  set.thaw(b);
  CHECK(set == copy);
  set.thaw(a);
  CHECK(set == FreezeSet());
  CHECK(set.empty());
}

TEST_CASE("sets can be keys: the order is one, parts count") {
  const Parameter a("a", Tensor(Shape{8}), Role::bias), b("b", Tensor(Shape{8}), Role::bias);
  std::vector<FreezeSet> all(6);
  all[1].freeze(a);
  all[2].freeze(b);
  all[3].freeze(a);
  all[3].freeze(b);
  all[4].set_frozen_units(a, {{0, 2}});
  all[5].set_frozen_units(a, {{0, 3}});
  std::map<FreezeSet, std::size_t> keys;
  for (std::size_t i = 0; i < all.size(); ++i) keys[all[i]] = i;
  CHECK(keys.size() == all.size());
  for (std::size_t i = 0; i < all.size(); ++i) {
    CHECK(keys.at(all[i]) == i);
    for (std::size_t j = 0; j < all.size(); ++j) {
      CHECK((all[i] < all[j]) == (all[j] > all[i]));
      CHECK((all[i] == all[j]) == (i == j));
    }
  }
}

TEST_CASE("what two sets freeze together") {
  const Parameter a("a", Tensor(Shape{8}), Role::bias), b("b", Tensor(Shape{8}), Role::bias);
  FreezeSet one, two;
  one.set_frozen_units(a, {{0, 3}});
  two.set_frozen_units(a, {{2, 5}});
  two.freeze(b);
  FreezeSet both = one;
  both.add(two);
  CHECK(text_of(both.frozen_units(a)) == "0:5");
  CHECK_FALSE(both.trains(b));
  CHECK(text_of(one.frozen_units(a)) == "0:3");
  one.set_frozen_units(a, {{0, 5}});
  two.set_frozen_units(a, {{5, 8}});
  one.add(two);
  CHECK_FALSE(one.trains(a));
  FreezeSet nothing;
  nothing.add(two);
  CHECK(nothing == two);
  nothing.add(FreezeSet());
  CHECK(nothing == two);
}

TEST_CASE("units that are not there, and parts of a statistic, are refused") {
  const Parameter mean("bn.running_mean", Tensor(Shape{4}), Role::statistic);
  FreezeSet set;
  CHECK(fails_with(Fault::usage, "it freezes as a whole", [&] { set.set_frozen_units(mean, {{0, 2}}); }));
  CHECK(fails_with(Fault::usage, "has the units 0 to 3, not 2:5", [&] {
    set.set_frozen_units(mean, {{2, 5}});
  }));
  CHECK(set.empty());
  set.set_frozen_units(mean, {{0, 4}});
  CHECK_FALSE(set.trains(mean));
}

TEST_CASE("a program is compiled for the set that it is given, whatever the marks say") {
  const ParameterPtr first = dense_weight("first", 6, 5), second = dense_weight("second", 5, 3);
  first->set_trainable(false);
  const auto trained = [&](std::optional<FreezeSet> freeze) {
    auto graph = std::make_unique<Graph>(Graph::Options{.freeze = std::move(freeze)});
    Value x = graph->feed("x", Shape{4, 6});
    for (const ParameterPtr& weight : {first, second}) x = dense(*graph, x, graph->parameter(weight), {});
    const Value labels = graph->feed("labels", Shape{4}, DType::int32);
    const Value loss = softmax_cross_entropy(*graph, x, labels);
    const auto program = Program::training(std::move(graph), loss);
    std::string names;
    for (const GradientView& view : program->gradients()) {
      names +=
          view.parameter->name() + (view.trains != nullptr ? "[" + text_of(view.trains->ranges) + "] " : " ");
    }
    return names;
  };
  CHECK(trained({}) == "second ");
  CHECK(trained(FreezeSet()) == "first second ");
  FreezeSet part;
  part.set_frozen_units(*second, {{1, 2}});
  CHECK(trained(part) == "first second[0:1+2:3] ");
  part.freeze(*first);
  CHECK(trained(part) == "second[0:1+2:3] ");
  part.freeze(*second);
  CHECK(fails_with(Fault::usage, "every parameter is frozen", [&] { trained(part); }));
  CHECK_FALSE(first->trainable());
}
