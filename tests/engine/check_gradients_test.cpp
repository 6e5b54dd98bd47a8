// Gradients against differences: a right rule passes, a wrong one is named.
#include <doctest/doctest.h>

#include <algorithm>

#include "engine/ops/arithmetic.h"
#include "engine/ops/reduce.h"
#include "engine/program/check_gradients.h"
#include "tests/engine/small_nets.h"
#include "tests/errors.h"

using namespace firn;
using namespace firn::test;

namespace {

/// y = x², whose rule says dx = factor · dy.
class Square final : public Op {
 public:
  explicit Square(real factor) : factor_(factor) {}
  Description describe() const override { return {"square", "y = x²"}; }
  std::vector<Spec> infer(std::span<const Spec> inputs, const std::string&) const override {
    return {inputs[0]};
  }
  void run(const Call& call) const override {
    std::transform(call.in(0), call.in(0) + call.out_count(), call.out(), [](real x) { return x * x; });
  }
  void gradient(Gradients& g) const override {
    g.set(0, multiply(g.graph(), scale(g.graph(), g.input(0), factor_), g.dy()));
  }

 private:
  real factor_;
};

GradientCheck check_square(real factor, const ParameterPtr& parameter) {
  auto graph = std::make_unique<Graph>();
  const Value y = graph->add(std::make_shared<Square>(factor), {graph->parameter(parameter)});
  const Value loss = sum(*graph, y);
  graph->output("loss", loss);
  return check_gradients(*Program::training(std::move(graph), loss));
}

}  // namespace

TEST_CASE("the rules of whole networks stand the check, of parts that train too") {
  for (const auto& [name, net] : small_nets()) {
    CAPTURE(name);
    net->parameter("head.weight").set_frozen_units({{0, 1}});
    std::vector<ParameterPtr> weights = net->parameters();
    std::erase_if(weights, [](const ParameterPtr& p) { return p->role() == Role::statistic; });
    const std::string before = hash_of(weights);
    const GradientCheck worst = check_gradients(*net->training(), 7, 3e-3);
    CAPTURE(worst.parameter);
    CAPTURE(worst.gradient);
    CAPTURE(worst.slope);
    CHECK(worst.error < 0.03);
    CHECK(hash_of(weights) == before);
  }
}

TEST_CASE("a wrong rule is named with both numbers") {
  const auto x = std::make_shared<Parameter>("x", Tensor({3}, std::vector<real>{1, -2, 4}), Role::weight);
  CHECK(check_square(2, x).error < 1e-4);
  const GradientCheck wrong = check_square(3, x);
  CHECK(wrong.error == doctest::Approx(1.0 / 3).epsilon(1e-3));
  CHECK(wrong.parameter == "x");
  CHECK(wrong.element == 2);
  CHECK(wrong.gradient == doctest::Approx(12));
  CHECK(wrong.slope == doctest::Approx(8).epsilon(1e-3));
}

TEST_CASE("a forward pass has no gradients to check") {
  const auto net = make_mlp_net();
  CHECK(fails_with(Fault::usage, "a training step is wanted", [&] { check_gradients(*net->inference()); }));
}
