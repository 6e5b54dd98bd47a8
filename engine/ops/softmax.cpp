#include "engine/ops/softmax.h"

#include "engine/kernels/kernels.h"
#include "engine/ops/check.h"

namespace firn {

namespace {

/// Inputs: y, dy.
class SoftmaxGradient final : public Op {
 public:
  Description describe() const override {
    return {"softmax_gradient", "dx[r,c] = y[r,c] (dy[r,c] - Σ_k y[r,k] dy[r,k])"};
  }
  std::vector<Spec> infer(std::span<const Spec> inputs, const std::string&) const override {
    return {inputs[1]};
  }
  void run(const Call& call) const override {
    call.kernels.norm.softmax_gradient(rows_of(call, 0), call.in_shape(0)[-1], call.in(0), call.in(1),
                                       call.out());
  }
};

class Softmax final : public Op {
 public:
  Description describe() const override { return {"softmax", "y[r,c] = exp(x[r,c]) / Σ_k exp(x[r,k])"}; }
  std::vector<Spec> infer(std::span<const Spec> inputs, const std::string& where) const override {
    const Shape& x = inputs[0].shape;
    if (x.rank() < (inputs[0].axis == Axis::batch ? 2 : 1)) {
      shape_error(name(), where, fmt::format("input {} must be (...,C)", x.text()));
    }
    return {inputs[0]};
  }
  void run(const Call& call) const override {
    call.kernels.norm.softmax(rows_of(call, 0), call.in_shape(0)[-1], call.in(0), call.out());
  }
  void gradient(Gradients& g) const override {
    g.set(0, g.graph().add(std::make_shared<SoftmaxGradient>(), {g.output(), g.dy()}));
  }
};

}  // namespace

Value softmax(Graph& graph, Value x) {
  return graph.add(std::make_shared<Softmax>(), {x});
}

}  // namespace firn
