// Update rules: PyTorch's losses, clipping, what is frozen, what is no number.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "engine/base/parallel.h"
#include "engine/ops/activation.h"
#include "engine/ops/dense.h"
#include "engine/ops/loss.h"
#include "optim/optimizer.h"
#include "tests/engine/golden.h"
#include "tests/errors.h"

using namespace firn;
using namespace firn::test;

namespace {

/// dense(4,5), tanh, dense(5,3), mean cross-entropy: the problem of the golden numbers.
struct Problem {
  std::vector<ParameterPtr> parameters;
  Tensor input, targets;
  std::unique_ptr<Program> program;

  explicit Problem(const Golden& golden) : input(golden.at("input")), targets(golden.at("targets")) {
    auto graph = std::make_unique<Graph>();
    const auto layer = [&](const std::string& name, Value x) {
      const Tensor weight = golden.at(name + ".weight").permuted(std::vector<int>{1, 0});
      parameters.push_back(std::make_shared<Parameter>(name + ".weight", weight, Role::weight));
      parameters.push_back(
          std::make_shared<Parameter>(name + ".bias", golden.at(name + ".bias").clone(), Role::bias));
      return dense(*graph, x, graph->parameter(parameters.end()[-2]), graph->parameter(parameters.back()));
    };
    const Value x = graph->feed("x", input.shape());
    const Value labels = graph->feed("labels", targets.shape(), DType::int32);
    const Value y = layer("2", activate(*graph, Activation::tanh, layer("0", x)));
    const Value loss = softmax_cross_entropy(*graph, y, labels);
    graph->output("loss", loss);
    program = Program::training(std::move(graph), loss);
    program->feed("x", input);
    program->feed("labels", targets);
  }

  double loss() {
    program->run();
    return static_cast<double>(*program->output_data("loss"));
  }
};

std::unique_ptr<Optimizer> make(const nlohmann::json& o) {
  const std::string kind = o["optimizer"];
  const double rate = o["lr"];
  const double decay = o.value("weight_decay", 0.0);
  if (kind == "SGD") {
    return make_sgd({.rate = rate,
                     .momentum = o["momentum"],
                     .dampening = o["dampening"],
                     .decay = decay,
                     .nesterov = o["nesterov"]});
  }
  if (kind == "RMSprop") {
    return make_rmsprop(
        {.rate = rate, .alpha = o["alpha"], .epsilon = o["eps"], .momentum = o["momentum"], .decay = decay});
  }
  return make_adam({.rate = rate,
                    .beta1 = o["betas"][0],
                    .beta2 = o["betas"][1],
                    .epsilon = o["eps"],
                    .decay = decay,
                    .decoupled = kind == "AdamW"});
}

const std::vector<Golden>& goldens() {
  static const std::vector<Golden> all = load_goldens("optimizers.safetensors");
  return all;
}

const Golden& problem() {
  for (const Golden& golden : goldens()) {
    if (golden.name == "problem") return golden;
  }
  throw std::logic_error("no problem among the golden cases");
}

/// Parameters with gradients made by hand.
struct Handmade {
  std::vector<ParameterPtr> parameters;
  std::vector<std::vector<real>> gradients;

  void add(const std::string& name, std::vector<real> value, std::vector<real> gradient) {
    const Shape shape{static_cast<Index>(value.size())};
    parameters.push_back(std::make_shared<Parameter>(name, Tensor(shape, value), Role::weight));
    gradients.push_back(std::move(gradient));
  }
  std::vector<GradientView> views() {
    std::vector<GradientView> all;
    for (std::size_t i = 0; i < parameters.size(); ++i) {
      if (!parameters[i]->trainable()) continue;
      all.push_back({parameters[i].get(), gradients[i].data(), static_cast<Index>(gradients[i].size())});
    }
    return all;
  }
  real value(std::size_t i, Index element = 0) const { return parameters[i]->value().data()[element]; }
};

Handmade two() {
  Handmade h;
  h.add("a", {1, 2}, {3, 0});
  h.add("b", {5}, {4});
  return h;
}

}  // namespace

TEST_CASE("ten losses and the weights after them are PyTorch's") {
  int cases = 0;
  for (const Golden& golden : goldens()) {
    // Centred RMSprop is not built.
    if (golden.name == "problem" || golden.options.value("centered", false)) continue;
    CAPTURE(golden.name);
    ++cases;
    Problem p(problem());
    const auto optimizer = make(golden.options);
    for (int step = 0; step < 10; ++step) {
      const double want = static_cast<double>(golden.at("losses").data()[step]);
      const double got = p.loss();
      CHECK(std::abs(got - want) <= 1e-5 + 1.3e-6 * std::abs(want));
      optimizer->step(p.program->gradients());
    }
    for (const ParameterPtr& parameter : p.parameters) {
      Tensor want = golden.at(parameter->name());
      if (want.shape().rank() == 2) want = want.permuted(std::vector<int>{1, 0});
      for (Index i = 0; i < want.count(); ++i) {
        const double w = static_cast<double>(want.data()[i]);
        const double apart = std::abs(static_cast<double>(parameter->value().data()[i]) - w);
        CHECK_MESSAGE(apart <= 2e-5 + 1.3e-6 * std::abs(w), parameter->name());
      }
    }
  }
  CHECK(cases == 13);
}

TEST_CASE("clipping scales all gradients to one norm, and edits none of them") {
  Handmade h = two();
  const auto optimizer = make_sgd({.rate = 1});
  const StepReport report = optimizer->step(h.views(), {.clip_norm = 1});
  CHECK(report.gradient_norm == doctest::Approx(5));
  CHECK(h.value(0) == doctest::Approx(1 - 3.0 / 5));
  CHECK(h.value(0, 1) == doctest::Approx(2));
  CHECK(h.value(1) == doctest::Approx(5 - 4.0 / 5));
  CHECK(h.gradients[0][0] == 3);

  Handmade small = two();
  optimizer->step(small.views(), {.clip_norm = 5.5});  // already shorter
  CHECK(small.value(0) == real(1 - 3));
}

TEST_CASE("what is frozen has no share in the clipped norm") {
  Handmade h = two();
  h.parameters[1]->set_trainable(false);
  const auto optimizer = make_sgd({.rate = 1});
  CHECK(optimizer->step(h.views(), {.clip_norm = 1}).gradient_norm == doctest::Approx(3));
  CHECK(h.value(1) == 5);
}

TEST_CASE("the schedule's factor and a parameter's own multiply the rate") {
  Handmade h = two();
  const auto optimizer = make_sgd({.rate = 0.1});
  optimizer->set_multiplier(*h.parameters[1], 0.5);
  optimizer->step(h.views(), {.rate_factor = 2});
  CHECK(h.value(0) == doctest::Approx(1 - 0.2 * 3));
  CHECK(h.value(1) == doctest::Approx(5 - 0.1 * 4));
  optimizer->set_multiplier(*h.parameters[1], 0);
  optimizer->step(h.views());
  CHECK(h.value(1) == doctest::Approx(5 - 0.1 * 4));
  optimizer->clear_multipliers();
  optimizer->step(h.views());
  CHECK(h.value(1) == doctest::Approx(5 - 0.2 * 4));
}

TEST_CASE("a gradient that is no number is named, and nothing is applied") {
  for (const real bad : {std::numeric_limits<real>::quiet_NaN(), std::numeric_limits<real>::infinity(),
                         -std::numeric_limits<real>::infinity()}) {
    for (const auto& make_one : {+[] { return make_sgd({.momentum = 0.9}); }, +[] { return make_adam({}); },
                                 +[] { return make_rmsprop({}); }}) {
      const auto optimizer = make_one();
      Handmade h = two();
      optimizer->step(h.views());
      const real before[] = {h.value(0), h.value(0, 1), h.value(1)};
      const std::uint64_t version = h.parameters[0]->version();
      const std::int64_t steps = optimizer->state(*h.parameters[0])->steps;
      h.gradients[1][0] = bad;
      CHECK(fails_with(Fault::non_finite, "gradient of b",
                       [&] { optimizer->step(h.views(), {.clip_norm = 1}); }));
      CHECK(h.value(0) == before[0]);
      CHECK(h.value(0, 1) == before[1]);
      CHECK(h.value(1) == before[2]);
      CHECK(h.parameters[0]->version() == version);
      CHECK(optimizer->state(*h.parameters[0])->steps == steps);
    }
  }
}

TEST_CASE("a great but finite gradient is a number") {
  Handmade h;
  h.add("a", {0}, {real(1e30)});  // its square is no float
  const auto optimizer = make_sgd({.rate = 1});
  CHECK(optimizer->step(h.views(), {.clip_norm = 1}).gradient_norm == doctest::Approx(1e30));
  CHECK(h.value(0) == doctest::Approx(-1));
}

TEST_CASE("state is dropped when a parameter freezes, or kept where asked for") {
  for (const bool keep : {false, true}) {
    Handmade h = two();
    const auto optimizer = make_adam({});
    optimizer->set_keep_state(keep);
    CHECK(optimizer->parameters_with_state() == 0);
    optimizer->step(h.views());
    CHECK(optimizer->parameters_with_state() == 2);
    CHECK(optimizer->state_bytes() == 2 * 3 * static_cast<Index>(sizeof(real)));
    h.parameters[1]->set_trainable(false);
    optimizer->step(h.views());
    CHECK((optimizer->state(*h.parameters[1]) != nullptr) == keep);
    CHECK(optimizer->state(*h.parameters[0])->steps == 2);
    h.parameters[1]->set_trainable(true);
    optimizer->step(h.views());
    CHECK(optimizer->state(*h.parameters[1])->steps == (keep ? 2 : 1));
    CHECK(optimizer->state(*h.parameters[0])->steps == 3);
  }
}

TEST_CASE("momentum begins anew after a thaw") {
  Handmade h = two();
  const auto optimizer = make_sgd({.rate = 1, .momentum = 0.5});
  optimizer->step(h.views());
  optimizer->step(h.views());
  CHECK(h.value(1) == real(5 - 4 - 6));
  h.parameters[1]->set_trainable(false);
  optimizer->step(h.views());
  CHECK(h.value(1) == real(-5));
  h.parameters[1]->set_trainable(true);
  optimizer->step(h.views());
  CHECK(h.value(1) == real(-5 - 4));
}

TEST_CASE("updates are the same bits on any number of threads") {
  std::vector<real> first;
  for (const int threads : {1, 2, 3, 7}) {
    set_thread_count(threads);
    Handmade h;
    std::vector<real> value(100'000), gradient(100'000);
    for (std::size_t i = 0; i < value.size(); ++i) {
      value[i] = std::sin(static_cast<real>(i));
      gradient[i] = std::cos(static_cast<real>(3 * i));
    }
    h.add("a", value, gradient);
    const auto optimizer = make_adam({.decay = 0.1});
    for (int step = 0; step < 5; ++step) optimizer->step(h.views(), {.clip_norm = 1});
    const auto got = h.parameters[0]->value().values();
    if (first.empty()) first.assign(got.begin(), got.end());
    CHECK(std::equal(got.begin(), got.end(), first.begin()));
  }
  set_thread_count(1);
}

TEST_CASE("settings out of range are errors") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  CHECK(fails_with(Fault::usage, "rate -1", [] { make_sgd({.rate = -1}); }));
  CHECK(fails_with(Fault::usage, "momentum 1", [] { make_sgd({.momentum = 1}); }));
  CHECK(fails_with(Fault::usage, "decay nan", [=] { make_sgd({.decay = nan}); }));
  CHECK(fails_with(Fault::usage, "nesterov", [] { make_sgd({.nesterov = true}); }));
  CHECK(fails_with(Fault::usage, "[adamw] beta2", [] { make_adam({.beta2 = 1.5, .decoupled = true}); }));
  CHECK(fails_with(Fault::usage, "[adam] epsilon", [] { make_adam({.epsilon = -1}); }));
  CHECK(fails_with(Fault::usage, "[rmsprop] alpha", [] { make_rmsprop({.alpha = 1}); }));
}
