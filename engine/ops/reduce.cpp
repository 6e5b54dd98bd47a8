#include "engine/ops/reduce.h"

#include <algorithm>

#include "engine/kernels/kernels.h"
#include "engine/ops/arithmetic.h"
#include "engine/ops/check.h"
#include "engine/ops/parts.h"
#include "engine/ops/registry_rows.h"

namespace firn {

namespace {

/// The gradient of a sum.
class Spread final : public Op {
 public:
  explicit Spread(Spec spec) : spec_(spec) {}
  Description describe() const override { return {"spread", "y = x[0] in every element"}; }
  std::vector<Spec> infer(std::span<const Spec>, const std::string&) const override { return {spec_}; }
  void run(const Call& call) const override { std::fill_n(call.out(), call.out_count(), call.in(0)[0]); }

 private:
  Spec spec_;
};

class SumAll final : public Op {
 public:
  Description describe() const override { return {"sum", "y = Σ x"}; }
  std::vector<Spec> infer(std::span<const Spec> inputs, const std::string& where) const override {
    require_type(name(), where, inputs[0], DType::number, "input");
    return {{Shape{}, DType::number, inputs[0].axis == Axis::batch ? Axis::slice : Axis::none}};
  }
  void run(const Call& call) const override {
    *call.out() = call.kernels.elementwise.sum(call.in_count(0), call.in(0));
  }
  void gradient(Gradients& g) const override {
    g.set(0, g.graph().add(std::make_shared<Spread>(g.input(0).spec()), {g.dy()}));
  }
};

/// Sum over one axis: x seen as (outer, size, inner).
class SumOver final : public Op {
 public:
  explicit SumOver(int axis) : axis_(axis) {}
  Description describe() const override {
    return {"sum_over", "y = Σ of x along the axis",
            Attributes().add("axis", Index{axis_}, fmt::format("axis {}", axis_))};
  }
  std::vector<Spec> infer(std::span<const Spec> inputs, const std::string& where) const override {
    require_type(name(), where, inputs[0], DType::number, "input");
    const Shape& x = inputs[0].shape;
    const int lowest = inputs[0].axis == Axis::batch ? 1 : 0;
    if (axis_ < lowest || axis_ >= x.rank()) {
      shape_error(name(), where, fmt::format("axis {} of {} cannot be summed over", axis_, x.text()));
    }
    std::vector<Index> sizes(x.sizes().begin(), x.sizes().end());
    sizes.erase(sizes.begin() + axis_);
    return {{Shape(std::span<const Index>(sizes)), DType::number, inputs[0].axis}};
  }
  void run(const Call& call) const override {
    const Shape& x = call.in_shape(0);
    const Index inner = x.count_from(axis_ + 1);
    const Index size = x[axis_];
    const Index outer = inner > 0 ? call.out_count() / inner : 0;
    for (Index o = 0; o < outer; ++o) {
      call.kernels.gemm.column_sum(size, inner, call.in(0) + o * size * inner, inner, call.out() + o * inner,
                                   false);
    }
  }
  void gradient(Gradients& g) const override;

 private:
  int axis_;
};

class RepeatOver final : public Op {
 public:
  RepeatOver(int axis, Spec spec) : axis_(axis), spec_(spec) {}
  Description describe() const override { return {"repeat_over", "y = x repeated along the axis"}; }
  std::vector<Spec> infer(std::span<const Spec>, const std::string&) const override { return {spec_}; }
  void run(const Call& call) const override {
    const Index inner = spec_.shape.count_from(axis_ + 1);
    const Index size = spec_.shape[axis_];
    const Index outer = inner > 0 ? call.in_count(0) / inner : 0;
    for (Index o = 0; o < outer; ++o) {
      for (Index i = 0; i < size; ++i) {
        std::copy_n(call.in(0) + o * inner, inner, call.out() + (o * size + i) * inner);
      }
    }
  }

 private:
  int axis_;
  Spec spec_;
};

void SumOver::gradient(Gradients& g) const {
  g.set(0, g.graph().add(std::make_shared<RepeatOver>(axis_, g.input(0).spec()), {g.dy()}));
}

class Ratio final : public Op {
 public:
  Description describe() const override { return {"ratio", "y = a / b"}; }
  std::vector<Spec> infer(std::span<const Spec> inputs, const std::string& where) const override {
    require_same(name(), where, inputs[0].shape, Shape{});
    require_same(name(), where, inputs[1].shape, Shape{});
    return {inputs[0]};
  }
  void run(const Call& call) const override { *call.out() = *call.in(0) / *call.in(1); }
  void gradient(Gradients& g) const override {
    if (g.wants(0)) g.set(0, g.graph().add(std::make_shared<Ratio>(), {g.dy(), g.input(1)}));
  }
};

}  // namespace

void add_reducing_kinds(std::vector<OperationKind>& rows) {
  rows.push_back({"sum", [](Graph& graph, const Attributes&, std::span<const Value> inputs) {
                    return graph.add(std::make_shared<SumAll>(), {inputs[0]});
                  }});
}

Value sum(Graph& graph, Value x) {
  Value parts = graph.add(std::make_shared<SumAll>(), {x});
  return reduce_parts(graph, parts);
}

Value mean(Graph& graph, Value x) {
  return scale(graph, sum(graph, x), real(1) / static_cast<real>(std::max<Index>(1, x.shape().count())));
}

Value sum_over(Graph& graph, Value x, int axis) {
  return graph.add(std::make_shared<SumOver>(axis), {x});
}

Value mean_over(Graph& graph, Value x, int axis) {
  const Value total = sum_over(graph, x, axis);
  return scale(graph, total, real(1) / static_cast<real>(std::max<Index>(1, x.shape()[axis])));
}

Value ratio(Graph& graph, Value numerator, Value denominator) {
  return graph.add(std::make_shared<Ratio>(), {numerator, denominator});
}

}  // namespace firn
