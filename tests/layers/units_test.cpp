// Parts of parameters by name: what is frozen, what is an error.
#include "layers/units.h"

#include <doctest/doctest.h>

#include "engine/base/error.h"
#include "layers/conv2d.h"
#include "layers/embedding.h"
#include "layers/norm.h"
#include "layers/recurrent.h"
#include "tests/layers/support.h"

using namespace firn;

namespace {

/// One layer of each kind whose parameters have units.
class Parts final : public Layer {
 public:
  Parts() {
    adopt("conv1", make<Conv2d>({.in = 3, .out = 16, .kernel = 3}));
    adopt("conv2", make<Conv2d>({.in = 16, .out = 8, .kernel = 3}));
    adopt("bn", make<BatchNorm>({.channels = 8}));
    adopt("embed", make<Embedding>({.vocabulary = 30, .features = 6}));
    adopt("lstm", make<Lstm>({.in = 6, .hidden = 5}));
    adopt("gru", make<Gru>({.in = 6, .hidden = 5}));
  }
  LayerSpec spec() const override { return LayerSpec("parts"); }
  Flow build(Graph&, Flow in) const override { return in; }

  Parameter& at(const std::string& name) const {
    for (const NamedParameter& p : parameters()) {
      if (p.name == name) return *p.parameter;
    }
    FAIL("no " << name);
    return *parameters()[0].parameter;
  }
  std::string frozen(const std::string& name) const { return text_of(at(name).frozen_units()); }
  std::string text(const std::string& name) const { return marked_frozen(at(name)).text(at(name)); }
};

}  // namespace

TEST_CASE("ranges are sorted and joined; their complement is the rest") {
  CHECK(text_of(sorted_ranges({{8, 9}, {0, 2}, {1, 4}, {4, 5}, {7, 7}})) == "0:5+8:9");
  CHECK(text_of(complement({{0, 5}, {8, 9}}, 12)) == "5:8+9:12");
  CHECK(text_of(complement({}, 3)) == "0:3");
  CHECK(text_of(complement({{0, 3}}, 3)).empty());
  CHECK(places_in({{0, 5}, {8, 9}}) == 6);
}

TEST_CASE("elements of a part lie where the axis says, from any first one on") {
  const TrainableRanges columns{1, {{0, 1}, {2, 4}}};
  const Shape whole{3, 5};
  std::vector<Index> places;
  const auto collect = [&](Index at, Index place, Index count) {
    for (Index i = 0; i < count; ++i) {
      CHECK(at + i == static_cast<Index>(places.size()) + 2);
      places.push_back(place + i);
    }
  };
  for_each_trainable(&columns, whole, 2, 6, collect);
  CHECK(places == std::vector<Index>{3, 5, 7, 8, 10, 12});
  places.clear();
  for_each_trainable(nullptr, whole, 2, 4, collect);
  CHECK(places == std::vector<Index>{2, 3, 4, 5});
  const TrainableRanges rows{0, {{1, 2}}};
  places = {99, 99};
  for_each_trainable(&rows, whole, 0, 5, [&](Index at, Index place, Index count) {
    CHECK(at == 0);
    CHECK(place == 5);
    CHECK(count == 5);
    places.clear();
  });
  CHECK(places.empty());
}

TEST_CASE("units freeze and thaw by range, and add up") {
  Parts parts;
  parts.freeze("conv1.weight[0:4]");
  parts.freeze("conv1.weight[8:12]");
  CHECK(parts.frozen("conv1.weight") == "0:4+8:12");
  CHECK(parts.at("conv1.weight").trainable());
  CHECK(parts.at("conv1.weight").trainable_ranges()->axis == 3);
  CHECK(text_of(parts.at("conv1.weight").trainable_ranges()->ranges) == "4:8+12:16");
  CHECK(parts.text("conv1.weight") == "8 of 16 channels frozen");
  CHECK(parts.frozen("conv1.bias").empty());
  parts.thaw("conv1.weight[2:9]");
  CHECK(parts.frozen("conv1.weight") == "0:2+9:12");
  // What is frozen in part stays so when the flag goes and comes.
  parts.at("conv1.weight").set_trainable(false);
  CHECK(parts.frozen("conv1.weight") == "0:16");
  CHECK(parts.at("conv1.weight").trainable_ranges() == nullptr);
  parts.at("conv1.weight").set_trainable(true);
  CHECK(parts.frozen("conv1.weight") == "0:2+9:12");
  // Whole names stand for all units.
  parts.thaw("conv1");
  CHECK(parts.frozen("conv1.weight").empty());
  parts.freeze("conv1.weight[:4+4:]");
  CHECK_FALSE(parts.at("conv1.weight").trainable());
  parts.thaw("conv1.weight[3:5]");
  CHECK(parts.frozen("conv1.weight") == "0:3+5:16");
}

TEST_CASE("a glob with a bracket: all that it names, statistics left alone") {
  Parts parts;
  parts.freeze("bn[0:3]");
  CHECK(parts.frozen("bn.weight") == "0:3");
  CHECK(parts.frozen("bn.bias") == "0:3");
  CHECK(parts.frozen("bn.running_mean").empty());
  CHECK_THROWS_WITH_AS(parts.freeze("bn.running_mean[0:3]"), doctest::Contains("statistic"), Error);
  parts.freeze("conv*.weight[0:8]");
  CHECK(parts.frozen("conv1.weight") == "0:8");
  CHECK(parts.frozen("conv2.weight") == "0:8");
  CHECK_FALSE(parts.at("conv2.weight").trainable());
  parts.thaw("conv*");
  // Without a colon it is the glob's where that names something.
  parts.freeze("conv[2]");
  CHECK(parts.frozen("conv1.weight").empty());
  CHECK_FALSE(parts.at("conv2.weight").trainable());
}

TEST_CASE("gates by name, rows of an embedding") {
  Parts parts;
  parts.freeze("lstm.weight_ih_l0[i]");
  CHECK(parts.frozen("lstm.weight_ih_l0") == "0:5");
  CHECK(parts.text("lstm.weight_ih_l0") == "1 of 4 gates frozen (i)");
  parts.freeze("lstm.*[f+g]");
  CHECK(parts.frozen("lstm.weight_ih_l0") == "0:15");
  CHECK(parts.frozen("lstm.bias_hh_l0") == "5:15");
  CHECK(parts.at("lstm.bias_hh_l0").trainable_ranges()->axis == 0);
  parts.freeze("gru[z]");
  CHECK(parts.frozen("gru.weight_hh_l0") == "5:10");
  parts.freeze("embed.weight[0:10]");
  CHECK(parts.at("embed.weight").trainable_ranges()->axis == 0);
  CHECK(parts.text("embed.weight") == "10 of 30 rows frozen");
}

TEST_CASE("ranges that make no sense are errors that name the shape") {
  Parts parts;
  const auto fails = [&](const char* pattern, const char* why) {
    CAPTURE(pattern);
    CHECK_THROWS_WITH_AS(parts.freeze(pattern), doctest::Contains(why), Error);
    for (const NamedParameter& p : parts.parameters()) CHECK(p.parameter->frozen_units().empty());
  };
  fails("conv1.weight[0:17]", "conv1.weight (16,3,3,3): [0:17]: 0:17 goes beyond its 16 units");
  fails("conv1.weight[-4:8]", "negative");
  fails("conv1.weight[4:4]", "4:4 is empty");
  fails("conv1.weight[8:4]", "empty");
  fails("conv1.weight[0:4+9:9]", "empty");
  fails("conv1.weight[0:4+]", "no range");
  fails("conv1.weight[a:4]", "no number");
  fails("conv1.weight[99999999999999999999:]", "beyond");
  fails("conv1.weight[i]", "no range");
  fails("conv1.weight[]", "no range");
  fails("lstm.weight_ih_l0[x]", "there are i, f, g, o");
  fails("cnv1.weight[0:4]", "did you mean conv1.weight?");
  Parameter odd("odd", Tensor(Shape{2, 3, 4}), Role::weight, {Shape{3, 2, 4}, Shape{3, 2, 4}, {1, 0, 2}});
  CHECK_THROWS_WITH_AS(odd.set_frozen_units({{0, 1}}), doctest::Contains("as a whole"), Error);
  CHECK_THROWS_WITH_AS(odd.set_frozen_units({{0, 4}}), doctest::Contains("(3,2,4)"), Error);
}

TEST_CASE("set_freeze freezes the named units and no others, whatever was frozen before") {
  const ModelEntry& entry = find_model("cnn");
  const ModelPtr model = entry.make(entry.default_input, entry.usual_classes);
  std::string weight;
  for (const NamedParameter& p : model->parameters()) {
    if (weight.empty() && p.parameter->shape().rank() == 4) weight = p.name;
  }
  const auto frozen = [&] {
    std::string text;
    for (const NamedParameter& p : model->parameters()) {
      if (!p.parameter->frozen_units().empty()) {
        text += (text.empty() ? "" : " ") + p.name + "[" + text_of(p.parameter->frozen_units()) + "]";
      }
    }
    return text;
  };
  model->set_freeze(weight + "[0:3]," + weight + "[5:6]");
  CHECK(frozen() == weight + "[0:3+5:6]");
  model->set_freeze(weight + "[1:2]");
  CHECK(frozen() == weight + "[1:2]");
  model->set_freeze("none");
  CHECK(frozen().empty());
  model->set_freeze("all");
  for (const NamedParameter& p : model->parameters()) CHECK_FALSE(p.parameter->trainable());
}
