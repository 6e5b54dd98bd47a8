#include "engine/ops/activation.h"

#include "engine/kernels/kernels.h"
#include "engine/ops/check.h"

namespace firn {

namespace {

struct Formula {
  const char *value, *gradient;
};

Formula formula_of(Activation activation) {
  switch (activation) {
    case Activation::none:
      return {"y = x", "dx = dy"};
    case Activation::relu:
      return {"y = max(x, 0)", "dx = dy where y > 0, else 0"};
    case Activation::leaky_relu:
      return {"y = x where x > 0, else slope x", "dx = dy where x > 0, else slope dy"};
    case Activation::gelu:
      return {"y = x Φ(x), Φ the normal distribution's", "dx = dy (Φ(x) + x φ(x))"};
    case Activation::silu:
      return {"y = x σ(x)", "dx = dy σ(x) (1 + x (1 - σ(x)))"};
    case Activation::sigmoid:
      return {"y = σ(x) = 1 / (1 + exp(-x))", "dx = dy y (1 - y)"};
    case Activation::tanh:
      return {"y = tanh(x)", "dx = dy (1 - y²)"};
    case Activation::relu_to:
      return {"y = min(max(x, 0), slope)", "dx = dy where 0 < y < slope, else 0"};
    case Activation::hard_sigmoid:
      return {"y = min(max(slope x + 1/2, 0), 1)", "dx = slope dy where 0 < y < 1, else 0"};
    case Activation::hard_swish:
      return {"y = x min(max(x + 3, 0), 6) / 6", "dx = dy (x / 3 + 1/2) where -3 < x < 3, dy above, 0 below"};
    case Activation::gelu_tanh:
      return {"y = x σ(2u), u = √(2/π) (x + 0.044715 x³)", "dx = dy (s + 2 x s (1 - s) du/dx), s = σ(2u)"};
  }
  return {"", ""};
}

/// Inputs: kept (y or x), dy.
class ActivateGradient final : public Op {
 public:
  ActivateGradient(Activation activation, real slope) : activation_(activation), slope_(slope) {}
  Description describe() const override {
    return {fmt::format("{}_gradient", activation_name(activation_)), formula_of(activation_).gradient,
            Attributes().add("slope", static_cast<double>(slope_))};
  }
  std::vector<Spec> infer(std::span<const Spec> inputs, const std::string& where) const override {
    require_same(name(), where, inputs[0].shape, inputs[1].shape);
    return {inputs[1]};
  }
  void run(const Call& call) const override {
    call.kernels.elementwise.activate_gradient(activation_, slope_, call.out_count(), call.in(0), call.in(1),
                                               call.out());
  }
  Traits traits() const override { return {.in_place = {1}, .narrowing = Narrowing::passes}; }

 private:
  Activation activation_;
  real slope_;
};

class Activate final : public Op {
 public:
  Activate(Activation activation, real slope) : activation_(activation), slope_(slope) {}
  Description describe() const override {
    return {std::string(activation_name(activation_)), formula_of(activation_).value,
            Attributes().add("slope", static_cast<double>(slope_))};
  }
  std::vector<Spec> infer(std::span<const Spec> inputs, const std::string& where) const override {
    require_type(name(), where, inputs[0], DType::number, "input");
    return {inputs[0]};
  }
  void run(const Call& call) const override {
    call.kernels.elementwise.activate(activation_, slope_, call.out_count(), call.in(0), call.out());
  }
  void gradient(Gradients& g) const override {
    const Value kept = gradient_uses_output(activation_) ? g.output() : g.input(0);
    g.set(0, g.graph().add(std::make_shared<ActivateGradient>(activation_, slope_), {kept, g.dy()}));
  }
  Traits traits() const override { return {.in_place = {InPlace::kAny}, .narrowing = Narrowing::passes}; }

 private:
  Activation activation_;
  real slope_;
};

}  // namespace

Value activate(Graph& graph, Activation activation, Value x, real slope) {
  if (activation == Activation::none) return x;
  return graph.add(std::make_shared<Activate>(activation, slope), {x});
}

}  // namespace firn
