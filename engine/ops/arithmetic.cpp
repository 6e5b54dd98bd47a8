#include "engine/ops/arithmetic.h"

#include <cstring>

#include "engine/kernels/kernels.h"
#include "engine/ops/check.h"
#include "engine/ops/dense.h"

namespace firn {

namespace {

/// The result of two inputs element by element. Both are samples or neither is: a slice of the batch takes
/// its own rows of what is a batch, and all of what is none.
Spec same_elements(std::string_view op, const std::string& where, std::span<const Spec> inputs) {
  require_type(op, where, inputs[0], DType::number, "input");
  require_type(op, where, inputs[1], DType::number, "input");
  require_same(op, where, inputs[0].shape, inputs[1].shape);
  if (inputs[0].axis != inputs[1].axis) {
    shape_error(
        op, where,
        fmt::format("of two inputs {} only one is a batch: feed the other one too, or give it the shape "
                    "of one sample",
                    inputs[0].shape.text()));
  }
  return inputs[0];
}

class Scale final : public Op {
 public:
  explicit Scale(real factor) : factor_(factor) {}
  Description describe() const override {
    return {"scale", "y = factor · x",
            Attributes().add("factor", static_cast<double>(factor_), fmt::format("by {:.6g}", factor_))};
  }
  std::vector<Spec> infer(std::span<const Spec> inputs, const std::string& where) const override {
    require_type(name(), where, inputs[0], DType::number, "input");
    return {inputs[0]};
  }
  void run(const Call& call) const override {
    call.kernels.elementwise.axpby(call.out_count(), factor_, call.in(0), 0, call.out());
  }
  void gradient(Gradients& g) const override { g.set(0, scale(g.graph(), g.dy(), factor_)); }
  Traits traits() const override { return {.in_place = {InPlace::kAny}, .narrowing = Narrowing::passes}; }

 private:
  real factor_;
};

class Add final : public Op {
 public:
  Description describe() const override { return {"add", "y = a + b"}; }
  std::vector<Spec> infer(std::span<const Spec> inputs, const std::string& where) const override {
    return {same_elements(name(), where, inputs)};
  }
  void run(const Call& call) const override {
    call.kernels.elementwise.add(call.out_count(), call.in(0), call.in(1), call.out());
  }
  void gradient(Gradients& g) const override {
    for (int i = 0; i < 2; ++i) {
      if (g.wants(i)) g.set(i, g.dy());
    }
  }
  Traits traits() const override { return {.in_place = {InPlace::kAny}, .narrowing = Narrowing::passes}; }
};

class AddRow final : public Op {
 public:
  Description describe() const override { return {"add_row", "y[r,c] = x[r,c] + b[c]"}; }
  std::vector<Spec> infer(std::span<const Spec> inputs, const std::string& where) const override {
    const Shape& a = inputs[0].shape;
    const Shape& b = inputs[1].shape;
    const int first = a.rank() - b.rank();
    if (first < 0 || a.tail(first) != b || inputs[1].axis != Axis::none) {
      shape_error(name(), where, fmt::format("{} cannot be added to the rows of {}", b.text(), a.text()));
    }
    return {inputs[0]};
  }
  void run(const Call& call) const override {
    const Index columns = call.in_shape(1).count();
    const Index rows = columns > 0 ? call.out_count() / columns : 0;
    call.kernels.elementwise.add_row(rows, columns, call.in(0), call.in(1), call.out());
  }
  void gradient(Gradients& g) const override {
    if (g.wants(0)) g.set(0, g.dy());
    if (g.wants(1)) g.set(1, column_sum(g.graph(), g.dy(), g.input(1).shape()));
  }
  Traits traits() const override { return {.in_place = {0}, .narrowing = Narrowing::passes}; }
};

class Subtract final : public Op {
 public:
  Description describe() const override { return {"subtract", "y = a - b"}; }
  std::vector<Spec> infer(std::span<const Spec> inputs, const std::string& where) const override {
    return {same_elements(name(), where, inputs)};
  }
  void run(const Call& call) const override {
    const Index count = call.out_count();
    std::memcpy(call.out(), call.in(1), static_cast<std::size_t>(count) * sizeof(real));
    call.kernels.elementwise.axpby(count, 1, call.in(0), -1, call.out());
  }
  void gradient(Gradients& g) const override {
    if (g.wants(0)) g.set(0, g.dy());
    if (g.wants(1)) g.set(1, scale(g.graph(), g.dy(), -1));
  }
  Traits traits() const override { return {.narrowing = Narrowing::passes}; }
};

class Multiply final : public Op {
 public:
  Description describe() const override { return {"multiply", "y = a · b, element by element"}; }
  std::vector<Spec> infer(std::span<const Spec> inputs, const std::string& where) const override {
    return {same_elements(name(), where, inputs)};
  }
  void run(const Call& call) const override {
    call.kernels.elementwise.multiply(call.out_count(), call.in(0), call.in(1), call.out());
  }
  void gradient(Gradients& g) const override {
    for (int i = 0; i < 2; ++i) {
      if (g.wants(i)) g.set(i, multiply(g.graph(), g.dy(), g.input(1 - i)));
    }
  }
  Traits traits() const override { return {.in_place = {InPlace::kAny}, .narrowing = Narrowing::passes}; }
};

}  // namespace

Value add(Graph& graph, Value a, Value b) {
  if (a && b && a.shape() != b.shape() && b.spec().axis == Axis::none) {
    return graph.add(std::make_shared<AddRow>(), {a, b});
  }
  return graph.add(std::make_shared<Add>(), {a, b});
}

Value subtract(Graph& graph, Value a, Value b) {
  return graph.add(std::make_shared<Subtract>(), {a, b});
}

Value multiply(Graph& graph, Value a, Value b) {
  return graph.add(std::make_shared<Multiply>(), {a, b});
}

Value scale(Graph& graph, Value x, real factor) {
  return graph.add(std::make_shared<Scale>(factor), {x});
}

}  // namespace firn
