#include "engine/ops/activation.h"

#include "engine/kernels/kernels.h"
#include "engine/ops/check.h"

namespace firn {

namespace {

/// Inputs: kept (y or x), dy.
class ActivateGradient final : public Op {
 public:
  ActivateGradient(Activation activation, real slope) : activation_(activation), slope_(slope) {}
  std::string name() const override { return fmt::format("{}_gradient", activation_name(activation_)); }
  Attributes attributes() const override { return Attributes().add("slope", static_cast<double>(slope_)); }
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
  std::string name() const override { return std::string(activation_name(activation_)); }
  Attributes attributes() const override { return Attributes().add("slope", static_cast<double>(slope_)); }
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
