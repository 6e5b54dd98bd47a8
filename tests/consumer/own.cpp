// An operation, a layer and a loss of one's own, checked and trained.
#include <firn/firn.h>
#include <cmath>
#include <cstdio>

using namespace firn;

/// y = sin(x), element by element, or dx = dy cos(x).
struct Sine final : Op {
  explicit Sine(bool gradient) : backward(gradient) {}
  Description describe() const override {
    return backward ? Description{"sine_gradient", "dx = dy cos(x)"} : Description{"sine", "y = sin(x)"};
  }
  std::vector<Spec> infer(std::span<const Spec> inputs, const std::string&) const override {
    return {inputs[0]};
  }
  void run(const Call& call) const override {
    for (Index i = 0; i < call.out_count(); ++i)
      call.out()[i] = backward ? std::cos(call.in(0)[i]) * call.in(1)[i] : std::sin(call.in(0)[i]);
  }
  void gradient(Gradients& g) const override {
    g.set(0, g.graph().add(std::make_shared<Sine>(true), {g.input(0), g.dy()}));
  }
  bool backward;
};

/// y = a sin(x), an amplitude learned for each feature.
struct Waves final : Layer {
  explicit Waves(Index features) : amplitude(own("amplitude", {features}, Role::weight, {.value = 1})) {}
  LayerSpec spec() const override { return LayerSpec("waves").bare("features", amplitude->shape()[0]); }
  Flow build(Graph& graph, Flow in) const override {
    return {
        multiply_row(graph, graph.add(std::make_shared<Sine>(false), {in.x}), graph.parameter(amplitude))};
  }
  ParameterPtr amplitude;
};

/// Regression by the mean absolute error.
struct Absolute : Regression {
  using Regression::Regression;
  Value loss(Graph& g, Value y, Value t, const LossOptions&) const override {
    const Value e = subtract(g, y, t);
    return mean(g, add(g, activate(g, Activation::relu, e), activate(g, Activation::relu, scale(g, e, -1))));
  }
};

int main() {
  Random random(1, "waves");
  std::vector<float> x;
  std::vector<double> y;
  for (int n = 0; n < 512; ++n) {
    x.push_back(static_cast<float>(2 * random.uniform() - 1));
    y.push_back(2 * std::sin(3 * static_cast<double>(x.back())));
  }
  const DataInfo info{.name = "wave", .shape = {1}, .targets = TargetKind::numbers, .classes = {"y"}};
  Loader train(make_numbers_with_targets(info, x, y), {.batch = 32});

  Model model("waves", {.sample = {1}}, 1);
  model.add_block("hidden",
                  {{"dense", make<Dense>({.in = 1, .out = 16})}, {"waves", std::make_shared<Waves>(16)}});
  model.add_block("head", {{"dense", make<Dense>({.in = 16, .out = 1})}});
  model.initialise(1);
  const auto task = std::make_shared<Absolute>(1);
  train.start(0);
  const GradientCheck worst = check_gradients(model, *task, *train.next(), 20, 1e-3);
  std::printf("gradients: %.2g at %s\n", worst.error, worst.parameter.c_str());
  const auto optimizer = make_adam({.rate = 1e-2});
  Trainer trainer(model, *optimizer, train, {.epochs = 30, .program = {.task = task}});
  return worst.error < 0.05 && trainer.run().epochs.back().loss < 0.1 ? 0 : 1;
}
