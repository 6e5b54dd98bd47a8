#include "engine/ops/log_softmax.h"

#include <algorithm>
#include <cmath>

#include "engine/ops/check.h"

namespace firn {

namespace {

/// Inputs: y, dy.
class LogSoftmaxGradient final : public Op {
 public:
  Description describe() const override {
    return {"log_softmax_gradient", "dx[r,c] = dy[r,c] - exp(y[r,c]) Σ_k dy[r,k]"};
  }
  std::vector<Spec> infer(std::span<const Spec> inputs, const std::string&) const override {
    return {inputs[1]};
  }
  void run(const Call& call) const override {
    const Index columns = call.in_shape(0)[-1];
    for (Index r = 0; r < rows_of(call, 0); ++r) {
      const real *y = call.in(0) + r * columns, *dy = call.in(1) + r * columns;
      real* dx = call.out() + r * columns;
      double sum = 0;
      for (Index c = 0; c < columns; ++c) sum += static_cast<double>(dy[c]);
      for (Index c = 0; c < columns; ++c)
        dx[c] = static_cast<real>(static_cast<double>(dy[c]) - std::exp(static_cast<double>(y[c])) * sum);
    }
  }
};

class LogSoftmax final : public Op {
 public:
  Description describe() const override { return {"log_softmax", "y[r,c] = x[r,c] - log Σ_k exp(x[r,k])"}; }
  std::vector<Spec> infer(std::span<const Spec> inputs, const std::string& where) const override {
    const Shape& x = inputs[0].shape;
    if (x.rank() < (inputs[0].axis == Axis::batch ? 2 : 1))
      shape_error(name(), where, fmt::format("input {} must be (...,C)", x.text()));
    return {inputs[0]};
  }
  void run(const Call& call) const override {
    const Index columns = call.in_shape(0)[-1];
    for (Index r = 0; r < rows_of(call, 0); ++r) {
      const real* x = call.in(0) + r * columns;
      real* y = call.out() + r * columns;
      real top = columns > 0 ? x[0] : real(0);
      for (Index c = 1; c < columns; ++c) top = std::max(top, x[c]);
      double sum = 0;
      for (Index c = 0; c < columns; ++c)
        sum += std::exp(static_cast<double>(x[c]) - static_cast<double>(top));
      const double less = static_cast<double>(top) + std::log(sum);
      for (Index c = 0; c < columns; ++c) y[c] = static_cast<real>(static_cast<double>(x[c]) - less);
    }
  }
  void gradient(Gradients& g) const override {
    g.set(0, g.graph().add(std::make_shared<LogSoftmaxGradient>(), {g.output(), g.dy()}));
  }
};

}  // namespace

Value log_softmax(Graph& graph, Value x) {
  return graph.add(std::make_shared<LogSoftmax>(), {x});
}

}  // namespace firn
