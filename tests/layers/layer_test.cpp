// Names, freezing and thawing.
#include "layers/layer.h"

#include <doctest/doctest.h>

#include "layers/conv2d.h"
#include "layers/dense.h"
#include "layers/norm.h"
#include "layers/sequential.h"
#include "tests/errors.h"
#include "tests/layers/support.h"

using namespace firn;
using namespace firn::test;

namespace {

ModelPtr vgg() {
  return find_model("vgg").make({Shape{8, 8, 1}}, 10);
}

/// The names of what is frozen, with blanks between.
std::string frozen(const Layer& layer) {
  std::string text;
  for (const NamedParameter& p : layer.parameters()) {
    if (!p.parameter->trainable()) text += (text.empty() ? "" : " ") + p.name;
  }
  return text;
}

std::string frozen_blocks(const Model& model) {
  std::string text;
  for (int block = 0; block < static_cast<int>(model.blocks().size()); ++block) {
    std::size_t count = 0;
    const auto parameters = model.block_parameters(block);
    for (const NamedParameter& p : parameters) count += !p.parameter->trainable();
    text += count == 0 ? '.' : count == parameters.size() ? 'F' : 'p';
  }
  return text;
}

/// A dense layer that reads with another one's weight.
class Tied final : public Layer {
 public:
  explicit Tied(ParameterPtr weight) : weight_(weight) { share("weight", std::move(weight)); }
  LayerSpec spec() const override { return LayerSpec("tied"); }
  Flow build(Graph&, Flow in) const override { return in; }

 private:
  ParameterPtr weight_;
};

struct Shared {
  std::shared_ptr<Dense> first = make<Dense>({.in = 4, .out = 4, .bias = false});
  std::shared_ptr<Tied> second = std::make_shared<Tied>(first->weight());
};

}  // namespace

TEST_CASE("names grow with the tree") {
  auto inner = std::make_shared<Sequential>();
  inner->add("conv1", make<Conv2d>({.in = 1, .out = 2}));
  inner->add("", make<BatchNorm>({.channels = 2}));
  Sequential outer;
  outer.add("layer1", inner);
  outer.add(make<Dense>({.in = 2, .out = 3, .bias = false}));
  std::string names;
  for (const NamedParameter& p : outer.parameters()) {
    CHECK(p.parameter->name() == p.name);
    names += p.name + " ";
  }
  CHECK(names ==
        "layer1.conv1.weight layer1.conv1.bias layer1.weight layer1.bias layer1.running_mean "
        "layer1.running_var 1.weight ");
  CHECK(inner->parameters()[0].name == "conv1.weight");
  CHECK(outer.text() == "group { layer1: group { conv1: conv 2 3x3 pad 0, norm }, 1: dense 3 no_bias }");
}

TEST_CASE("a layer's text says what it is") {
  CHECK(make<Conv2d>({.in = 16, .out = 32, .stride = 2})->text() == "conv 32 3x3 stride 2 pad 0");
  CHECK(make<Conv2d>({.in = 4, .out = 4, .kernel = {1, 5}, .pad = {0, 2}, .groups = 4, .bias = false})
            ->text() == "conv 4 1x5 groups 4 no_bias");
}

TEST_CASE("patterns freeze and thaw") {
  const ModelPtr model = vgg();
  CHECK(frozen(*model).empty());
  model->freeze("conv1");
  CHECK(frozen(*model) == "conv1.weight");
  model->freeze("bn2.*");
  CHECK(frozen(*model) == "conv1.weight bn2.weight bn2.bias bn2.running_mean bn2.running_var");
  model->thaw("*");
  CHECK(frozen(*model).empty());
  model->freeze("conv[2-3].weight");
  CHECK(frozen(*model) == "conv2.weight conv3.weight");
  model->freeze("*");
  model->thaw("fc.bias");
  CHECK(model->parameters().back().parameter->trainable());
  CHECK_FALSE(model->parameters().front().parameter->trainable());
}

TEST_CASE("roles freeze and thaw") {
  const ModelPtr model = vgg();
  model->freeze("role:bias");
  CHECK(frozen(*model) == "fc.bias");
  model->thaw("role:bias");
  model->freeze("role:weight");
  CHECK(frozen(*model) ==
        "conv1.weight conv2.weight conv3.weight conv4.weight conv5.weight conv6.weight fc.weight");
  model->thaw("*");
  model->freeze("role:norm");
  for (const NamedParameter& p : model->parameters())
    CHECK(p.parameter->trainable() != p.name.starts_with("bn"));
}

TEST_CASE("blocks freeze by number, name and word") {
  const ModelPtr model = vgg();
  const auto set = [&](const std::string& spec) {
    model->set_freeze(spec);
    return frozen_blocks(*model);
  };
  CHECK(set("3") == "FFF....");
  CHECK(set("none") == ".......");
  CHECK(set("half") == "FFF....");
  CHECK(set("head") == "FFFFFF.");
  CHECK(set("all") == "FFFFFFF");
  CHECK(set("0") == ".......");
  CHECK(set("7") == "FFFFFFF");
  CHECK(set("0,2,5") == "F.F..F.");
  CHECK(set("conv1,bn2,fc") == "Fp....F");
  CHECK(set("1,role:bias") == ".F....p");
  CHECK(set("conv*") == "pppppp.");
  CHECK(model->find_block("conv3") == 2);
  CHECK(model->find_block("bn5.weight") == 4);
  CHECK(model->find_block("bn*") == 5);
}

TEST_CASE("what names nothing is an error with the nearest name, and changes nothing") {
  const ModelPtr model = vgg();
  model->set_freeze("2");
  const std::string before = frozen(*model);
  CHECK(fails_with(Fault::usage, "[freeze] no parameter is called conv7 (did you mean conv1?)",
                   [&] { model->freeze("conv7"); }));
  CHECK(fails_with(Fault::usage, "did you mean bn1.weight?", [&] { model->thaw("bn1.wieght"); }));
  CHECK(fails_with(Fault::usage, "did you mean norm?", [&] { model->freeze("role:nrom"); }));
  CHECK(fails_with(Fault::usage, "did you mean conv2?", [&] { model->set_freeze("conv1,cnov2"); }));
  CHECK(fails_with(Fault::usage, "vgg has 7 blocks, not 8", [&] { model->set_freeze("8"); }));
  CHECK(fails_with(Fault::usage, "there is no 7", [&] { model->set_freeze("0,7"); }));
  CHECK(fails_with(Fault::usage, "not 99999999999999999999999",
                   [&] { model->set_freeze("99999999999999999999999"); }));
  CHECK(fails_with(Fault::usage, "no parameter is called", [&] { model->set_freeze(""); }));
  CHECK(fails_with(Fault::usage, "did you mean conv4?", [&] { model->find_block("cnov4"); }));
  CHECK(frozen(*model) == before);
  const ModelPtr plain = find_model("lstm").make({Shape{4, 3}}, 2);
  CHECK(fails_with(Fault::usage, "no parameter has the role norm", [&] { plain->freeze("role:norm"); }));
}

TEST_CASE("a shared parameter has one flag") {
  const Shared layers;
  Sequential both;
  both.add("first", layers.first);
  both.add("second", layers.second);
  CHECK(layers.first->weight()->name() == "first.weight");
  CHECK(both.parameters().size() == 2);
  CHECK(layers.first->weight()->trainable());
  for (const char* name : {"first", "second.*", "*.weight"}) {
    both.freeze(name);
    CHECK_FALSE(layers.first->weight()->trainable());
    both.thaw("second");
    CHECK(layers.first->weight()->trainable());
  }

  const Shared others;
  Model model("tied", {Shape{4}}, 4);
  model.add_block("first", {{"first", others.first}});
  model.add_block("second", {{"second", others.second}});
  model.set_freeze("1");
  CHECK_FALSE(others.first->weight()->trainable());
  model.set_freeze("none");
  CHECK(others.first->weight()->trainable());
  model.set_freeze("0,1");
  CHECK_FALSE(others.first->weight()->trainable());
}

TEST_CASE("the first bad shape is named with its layer") {
  Sequential net;
  net.add("conv1", make<Conv2d>({.in = 16, .out = 4}));
  Graph graph;
  const Value x = graph.feed("x", Shape{8, 28, 28, 3});
  CHECK(fails_with(Fault::usage, "[conv2d] input (8,28,28,3) has 3 channels, weight wants 16 (layer conv1)",
                   [&] { net.build(graph, {x}); }));
}

TEST_CASE("everything frozen is an error where a training step is asked for") {
  const ModelPtr model = vgg();
  model->set_freeze("all");
  CHECK(fails_with(Fault::usage, "every parameter is frozen", [&] { training(*model, 2); }));
}
