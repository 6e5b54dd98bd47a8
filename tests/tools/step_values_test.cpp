// The numbers of a step that `explain --values` shows, beside PyTorch's (step_values_expected.py).
#include "tools/app/explain/step_values.h"

#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <vector>

#include "tests/errors.h"
#include "tests/tools/small_steps.h"

namespace {

using namespace firn;
using namespace firn::cli;
using namespace firn::test;

struct Expected {
  const char* parameter;
  Index place;  ///< of its largest gradient, in PyTorch's layout; -1: frozen
  double gradient;
};

struct Network {
  const char* text;
  Shape sample;
  const char* freeze;
  double loss;
  const char* layer;  ///< whose value at `place` is `value`, its gradient `gradient`; 0: there is none
  Index place;
  double value, gradient;
  std::vector<Expected> gradients;
};

const std::vector<Network>& networks() {
  static const std::vector<Network> all = {
      {kSmallCnn,
       {6, 6, 2},
       "none",
       1.12935922,
       "pool1",
       29,
       0.995192931,
       -0.00584754826,
       {{"conv1.weight", 31, 0.117514677},
        {"conv1.bias", 0, -0.0242991663},
        {"dense1.weight", 88, -0.249068731},
        {"dense1.bias", 3, -0.0837046273},
        {"dense2.weight", 4, 0.0692950841},
        {"dense2.bias", 0, -0.143529604}}},
      {kSmallCnn,
       {6, 6, 2},
       "conv1",
       1.12935922,
       "pool1",
       29,
       0.995192931,
       0,
       {{"conv1.weight", -1, 0.117514677},
        {"conv1.bias", -1, -0.0242991663},
        {"dense1.weight", 88, -0.249068731},
        {"dense2.weight", 4, 0.0692950841}}},
      {kSmallLstm,
       {4, 3},
       "none",
       1.09453395,
       "last1",
       7,
       -0.0674369118,
       0.00153603561,
       {{"lstm1.weight_ih_l0", 45, -0.00720422367},
        {"lstm1.weight_hh_l0", 69, 0.00382744465},
        {"lstm1.bias_ih_l0", 13, 0.0100185277},
        {"lstm1.bias_hh_l0", 13, 0.0100185277},
        {"dense1.weight", 0, -0.127791342},
        {"dense1.bias", 0, -0.155419681}}},
      {kSmallLstm,
       {4, 3},
       "lstm1",
       1.09453395,
       "last1",
       7,
       -0.0674369118,
       0,
       {{"lstm1.weight_hh_l0", -1, 0.00382744465}, {"dense1.weight", 0, -0.127791342}}},
      {kSmallResidual,
       {6, 6, 2},
       "none",
       1.22746019,
       "global_pool1",
       6,
       0.526354569,
       -0.00517319782,
       {{"conv1.weight", 3, -0.0261014107},
        {"norm1.weight", 0, 0.099915705},
        {"norm1.bias", 0, 0.109394968},
        {"conv2.weight", 6, -0.0453132571},
        {"norm2.weight", 2, -0.0533605007},
        {"norm2.bias", 2, -0.104824898},
        {"dense1.weight", 3, -0.261208425},
        {"dense1.bias", 0, -0.275922408}}},
      {kSmallResidual,
       {6, 6, 2},
       "conv1",  // the block: its norm too, which uses its running statistics then
       1.2214024,
       "global_pool1",
       6,
       0.554233131,
       -0.0046863984,
       {{"conv1.weight", -1, -0.0261014107},
        {"norm1.weight", -1, 0.099915705},
        {"conv2.weight", 6, -0.0431850288},
        {"norm2.weight", 2, -0.0573109592},
        {"norm2.bias", 2, -0.0961631893},
        {"dense1.weight", 3, -0.269557171},
        {"dense1.bias", 0, -0.272683587}}},
  };
  return all;
}

ModelPtr make(const Network& network) {
  return small_model(network.text, network.sample, network.freeze);
}

Batch batch_of(const Network& network) {
  return small_batch(network.sample);
}

const SeenParameter& parameter(const StepValues& seen, const std::string& name) {
  for (const SeenParameter& part : seen.parameters) {
    if (part.name == name) return part;
  }
  FAIL(name);
  return seen.parameters.front();
}

constexpr double kBound = 1e-6;

TEST_CASE("losses, values and gradients are PyTorch's, frozen and not") {
  for (const Network& network : networks()) {
    CAPTURE(std::string(network.text));
    CAPTURE(std::string(network.freeze));
    const ModelPtr model = make(network);
    const Batch batch = batch_of(network);
    StepRun run(*model, settings_of(*model), batch);
    const auto optimizer = make_sgd({.rate = 0.5});
    const StepValues seen = run.look(*optimizer, 4);
    CHECK(seen.loss == doctest::Approx(network.loss).epsilon(kBound));

    const auto layer = std::find_if(seen.values.begin(), seen.values.end(),
                                    [&](const SeenValue& one) { return one.layer == network.layer; });
    REQUIRE(layer != seen.values.end());
    const auto at = static_cast<std::size_t>(network.place);
    CHECK(std::abs(static_cast<double>(layer->value.at(at)) - network.value) < kBound);
    CHECK(layer->gradient.empty() == (network.gradient == 0));
    if (!layer->gradient.empty())
      CHECK(std::abs(static_cast<double>(layer->gradient.at(at)) - network.gradient) < kBound);

    for (const Expected& expected : network.gradients) {
      CAPTURE(std::string(expected.parameter));
      const SeenParameter& part = parameter(seen, expected.parameter);
      if (expected.place < 0) {
        CHECK(part.gradient.empty());
        CHECK(part.checks.empty());
        CHECK(part.frozen == "frozen");
        for (const real u : part.update) CHECK(u == 0);
        double most = 0;
        for (const real g : part.without_freeze) {
          if (std::abs(static_cast<double>(g)) > std::abs(most)) most = static_cast<double>(g);
        }
        CHECK(std::abs(most - expected.gradient) < kBound);
        continue;
      }
      const auto place = static_cast<std::size_t>(expected.place);
      CHECK(std::abs(static_cast<double>(part.gradient.at(place)) - expected.gradient) < kBound);
      CHECK(std::abs(static_cast<double>(part.update.at(place)) + 0.5 * expected.gradient) < kBound);
      REQUIRE(!part.checks.empty());
      CHECK(part.checks.front().place == expected.place);  // the largest is always checked
      for (const GradientCheck& check : part.checks) {
        CAPTURE(check.gradient);
        CAPTURE(check.difference);
        CAPTURE(check.bound);
        CHECK(check.agrees());
        GradientCheck wrong = check;
        wrong.gradient = wrong.difference + 1.01 * wrong.bound;
        CHECK(!wrong.agrees());
      }
      CHECK(part.checks.front().bound < 0.2 * std::abs(expected.gradient) + 1e-3);
    }
  }
}

TEST_CASE("the model's weights are its own again") {
  const Network& network = networks().front();
  const ModelPtr model = make(network);
  const Batch batch = batch_of(network);
  std::vector<Tensor> before;
  for (const NamedParameter& p : model->parameters()) before.push_back(p.parameter->value().clone());
  StepRun run(*model, settings_of(*model), batch);
  const auto optimizer = make_sgd({.rate = 0.5});
  run.look(*optimizer, 2);
  CHECK(run.loss_with("dense2.weight", 4, 0.25) != doctest::Approx(network.loss));
  CHECK(run.loss_with("dense2.weight", 4, 0) == doctest::Approx(network.loss));
  std::size_t i = 0;
  for (const NamedParameter& p : model->parameters()) {
    const Tensor& was = before[i++];
    CHECK(std::equal(was.data(), was.data() + was.count(), p.parameter->value().data()));
  }
}

TEST_CASE("a place of a weight is that of PyTorch's tensor") {
  const ModelPtr model = make(networks().front());
  const WeightPlace place = parse_weight_place(*model, "conv1.weight[1,1,2,0]");
  CHECK(place.parameter == "conv1.weight");
  CHECK(place.place == ((1 * 2 + 1) * 3 + 2) * 3);
  CHECK(text_of_place("conv1.weight", {3, 2, 3, 3}, place.place) == "conv1.weight[1,1,2,0]");
  // The number that moves is that of the file.
  const Batch batch = batch_of(networks().front());
  StepRun run(*model, settings_of(*model), batch);
  const double gradient = run.gradient_at("conv1.weight", 31);
  CHECK(gradient == doctest::Approx(0.117514677).epsilon(1e-5));
  const double slope =
      (run.loss_with("conv1.weight", 31, 0.01) - run.loss_with("conv1.weight", 31, -0.01)) / 0.02;
  CHECK(slope == doctest::Approx(gradient).epsilon(0.02));

  CHECK(fails_with(Fault::usage, "did you mean conv1.weight?",
                   [&] { parse_weight_place(*model, "conv1.wieght[0,0,0,0]"); }));
  CHECK(fails_with(Fault::usage, "(3,2,3,3): it has no place [3,0,0,0]",
                   [&] { parse_weight_place(*model, "conv1.weight[3,0,0,0]"); }));
  CHECK(fails_with(Fault::usage, "NAME[I,J,...]", [&] { parse_weight_place(*model, "conv1.weight"); }));
  CHECK(fails_with(Fault::usage, "--nudge", [&] { parse_weight_place(*model, "conv1.weight[a,0,0,0]"); }));
}

}  // namespace
