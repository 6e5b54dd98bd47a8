// Weights that layers share.
#include <doctest/doctest.h>

#include <map>
#include <set>

#include "layers/foreign/export.h"
#include "layers/network/network.h"
#include "layers/weights.h"
#include "tests/errors.h"
#include "tests/layers/support.h"

using namespace firn;
using namespace firn::test;

namespace {

const InputSpec kWords{.sample = Shape{6}, .vocabulary = 11};

ModelPtr words() {
  ModelPtr model = make_network("e: embedding 5, lstm 5, last, o: dense 11 tied e.weight", kWords, 11);
  model->initialise(3);
  return model;
}

ParameterPtr parameter_of(const Model& model, const std::string& name) {
  for (const NamedParameter& p : model.parameters()) {
    if (p.name == name) return p.parameter;
  }
  return nullptr;
}

}  // namespace

TEST_CASE("tied: one parameter under two names, in text, in files, and frozen at once") {
  const ModelPtr model = words();
  CHECK(parameter_of(*model, "e.weight") == parameter_of(*model, "o.weight"));
  CHECK(network_text(model->spec()).find("o: dense classes tied e.weight") != std::string::npos);
  std::set<std::string> names;
  for (const NamedTensor& tensor : weights_of(*model)) names.insert(tensor.name);
  CHECK(names.contains("e.weight"));
  CHECK(!names.contains("o.weight"));
  for (const char* frozen : {"1", "o.weight", "e"}) {
    model->set_freeze(frozen);
    CHECK_FALSE(parameter_of(*model, "e.weight")->trainable());
    CHECK(parameter_of(*model, "o.bias")->trainable());
  }
  model->set_freeze("none");
  model->set_own_frozen({"o.weight"});
  model->freeze_own();
  CHECK_FALSE(parameter_of(*model, "e.weight")->trainable());
}

TEST_CASE("tied: the answers and gradients of two layers of equal weights, summed") {
  // The same network with two parameters of equal numbers.
  const ModelPtr tied = make_network("a: dense 4, relu, b: dense 4 tied a.weight, dense", {Shape{4}}, 3);
  const ModelPtr two = make_network("a: dense 4, relu, b: dense 4, dense", {Shape{4}}, 3);
  tied->initialise(5);
  for (const NamedParameter& p : two->parameters()) {
    p.parameter->mutable_value() = parameter_of(*tied, p.name)->value().clone();
    p.parameter->touch();
  }
  const Tensor x = normal(Shape{6, 4}, 2), targets = indices(Shape{6}, 3, 4);
  const auto gradients = [&](const Model& model) {
    TrainingGraph built = training_graph(model, *usual_task(model), 6, Shape{4}, {.mode = Mode::train});
    const auto program = Program::training(std::move(built.graph), built.loss);
    program->feed("x", x);
    program->feed("targets", targets);
    program->run();
    std::map<std::string, std::vector<real>> all;
    for (const GradientView& g : program->gradients())
      all[g.parameter->name()].assign(g.data, g.data + g.parameter->value().count());
    return all;
  };
  auto of_tied = gradients(*tied), of_two = gradients(*two);
  REQUIRE(of_tied.contains("a.weight"));
  CHECK(!of_tied.contains("b.weight"));
  for (std::size_t i = 0; i < of_tied["a.weight"].size(); ++i)
    CHECK(of_tied["a.weight"][i] ==
          doctest::Approx(of_two["a.weight"][i] + of_two["b.weight"][i]).epsilon(1e-4));
}

TEST_CASE("tied: what does not fit is said") {
  const auto refused = [](const char* text, const char* part) {
    return fails_with(Fault::usage, part, [&] { make_network(text, {Shape{8, 8, 2}}, 3); });
  };
  CHECK(refused("conv 4 3x3, conv 4 3x3 tied conv1.weight, dense", "cannot be the weight of this layer"));
  CHECK(refused("conv 4 3x3, conv 4 3x3 tied conv9.weight, dense", "no layer before it has this parameter"));
  CHECK(refused("conv 4 3x3, conv 4 3x3 no_bias tied conv1.bias, dense", "it has no bias of its own"));
  CHECK(refused("conv 4 3x3, a: norm, conv 4 3x3, norm tied a.running_mean, dense",
                "cannot be the running_mean"));
  CHECK(refused("conv 4 3x3, conv 4 3x3 tied, dense", "names no parameter"));
}

TEST_CASE("tied: no norm is folded into a weight that is another layer's too") {
  const ModelPtr model = make_network(
      "a: conv 4 3x3, conv 4 3x3 no_bias, n: norm, b: conv 4 3x3 tied conv2.weight, global_pool, dense",
      {Shape{8, 8, 2}}, 3);
  CHECK(fails_with(Fault::usage, "its weight is another layer's too", [&] { with_norms_folded(*model); }));
}
