#include "engine/ops/last_step.h"

#include <algorithm>

#include "engine/ops/check.h"

namespace firn {

namespace {

/// Inputs: dy (N,F), lengths. dx (N,T,F), zero but for the step that was taken.
class LastStepGradient final : public Op {
 public:
  LastStepGradient(Spec x, bool lengths, bool first) : x_(x), lengths_(lengths), first_(first) {}
  Description describe() const override {
    return {"last_step_gradient",
            first_ ? "dx[n,0,f] = dy[n,f], 0 elsewhere" : "dx[n, last, f] = dy[n,f], 0 elsewhere"};
  }
  std::vector<Spec> infer(std::span<const Spec>, const std::string&) const override { return {x_}; }
  void run(const Call& call) const override {
    const Index t = x_.shape[1];
    const Index f = x_.shape[2];
    std::fill_n(call.out(), call.out_count(), real(0));
    for (Index n = 0; n < call.rows; ++n) {
      const Index step = lengths_ ? std::clamp<Index>(call.indices(1)[n], 1, t) - 1 : t - 1;
      std::copy_n(call.in(0) + n * f, f, call.out() + (n * t + (first_ ? 0 : step)) * f);
    }
  }

 private:
  Spec x_;
  bool lengths_, first_;
};

class LastStep final : public Op {
 public:
  explicit LastStep(bool first) : first_(first) {}
  Description describe() const override {
    return {first_ ? "first_step" : "last_step",
            first_ ? "y[n,f] = x[n,0,f]" : "y[n,f] = x[n, last, f], last = lengths[n] - 1"};
  }
  std::vector<Spec> infer(std::span<const Spec> inputs, const std::string& where) const override {
    const Shape& x = inputs[0].shape;
    if (x.rank() != 3 || x[1] < 1)
      shape_error(name(), where, fmt::format("input {} must be (N,T,F), T > 0", x.text()));
    if (inputs.size() > 1) {
      require_type(name(), where, inputs[1], DType::int32, "lengths");
      require_same(name(), where, inputs[1].shape, Shape{x[0]});
    }
    return {{Shape{x[0], x[2]}, DType::number, inputs[0].axis}};
  }
  void run(const Call& call) const override {
    const Index t = call.in_shape(0)[1];
    const Index f = call.in_shape(0)[2];
    const bool lengths = call.node.inputs().size() > 1;
    for (Index n = 0; n < call.rows; ++n) {
      const Index step = lengths ? std::clamp<Index>(call.indices(1)[n], 1, t) - 1 : t - 1;
      std::copy_n(call.in(0) + (n * t + (first_ ? 0 : step)) * f, f, call.out() + n * f);
    }
  }
  void gradient(Gradients& g) const override {
    if (!g.wants(0)) return;
    const bool lengths = g.node().inputs().size() > 1;
    std::vector<Value> inputs{g.dy()};
    if (lengths) inputs.push_back(g.input(1));
    g.set(0, g.graph().add(std::make_shared<LastStepGradient>(g.input(0).spec(), lengths, first_), inputs));
  }

 private:
  bool first_;
};

}  // namespace

Value last_step(Graph& graph, Value x, Value lengths, bool first) {
  std::vector<Value> inputs{x};
  if (lengths && !first) inputs.push_back(lengths);
  return graph.add(std::make_shared<LastStep>(first), std::move(inputs));
}

}  // namespace firn
