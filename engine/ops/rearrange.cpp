#include "engine/ops/rearrange.h"

#include <algorithm>

#include "engine/ops/check.h"
#include "engine/ops/registry_rows.h"

namespace firn {

namespace {

/// A value seen around one axis: (outer, size, inner).
struct AxisView {
  Index outer, size, inner;
};

AxisView view(const Shape& shape, Index count, int axis) {
  const Index inner = shape.count_from(axis + 1);
  const Index size = shape[axis];
  return {size * inner > 0 ? count / (size * inner) : 0, size, inner};
}

void require_axis(std::string_view op, const std::string& where, const Spec& x, int axis) {
  if (axis < (x.axis == Axis::batch ? 1 : 0) || axis >= x.shape.rank()) {
    shape_error(op, where, fmt::format("axis {} of {} cannot be changed", axis, x.shape.text()));
  }
}

class Reshape final : public Op {
 public:
  explicit Reshape(Shape shape) : shape_(shape) {}
  Description describe() const override {
    return {"reshape", "y = x under another shape; nothing moves",
            Attributes().add("shape", std::vector<Index>(shape_.sizes().begin(), shape_.sizes().end()))};
  }
  std::vector<Spec> infer(std::span<const Spec> inputs, const std::string& where) const override {
    const Shape& x = inputs[0].shape;
    const bool batch = inputs[0].axis == Axis::batch;
    if (shape_.count() != x.count() || (batch && (shape_.rank() < 1 || shape_[0] != x[0]))) {
      shape_error(name(), where, fmt::format("{} does not hold the samples of {}", shape_.text(), x.text()));
    }
    return {{shape_, inputs[0].type, inputs[0].axis}};
  }
  void run(const Call&) const override {}
  Traits traits() const override { return {.view = true}; }
  void gradient(Gradients& g) const override { g.set(0, reshape(g.graph(), g.dy(), g.input(0).shape())); }

 private:
  Shape shape_;
};

class Concatenate final : public Op {
 public:
  explicit Concatenate(int axis) : axis_(axis) {}
  Description describe() const override {
    return {"concatenate", "y = the inputs one behind the other along the axis",
            Attributes().add("axis", Index{axis_}, fmt::format("axis {}", axis_))};
  }
  std::vector<Spec> infer(std::span<const Spec> inputs, const std::string& where) const override {
    Index total = 0;
    for (const Spec& input : inputs) {
      require_type(name(), where, input, DType::number, "input");
      require_axis(name(), where, input, axis_);
      const Shape &first = inputs[0].shape, &other = input.shape;
      if (other.rank() != first.rank() || other.with(axis_, first[axis_]) != first) {
        shape_error(name(), where,
                    fmt::format("{} and {} differ in more than axis {}, along which they are to lie",
                                first.text(), other.text(), axis_));
      }
      if (input.axis != inputs[0].axis) {
        shape_error(name(), where, fmt::format("of inputs {} only some are a batch", input.shape.text()));
      }
      total += input.shape[axis_];
    }
    return {{inputs[0].shape.with(axis_, total), DType::number, inputs[0].axis}};
  }
  void run(const Call& call) const override {
    const AxisView y = view(call.out_shape(), call.out_count(), axis_);
    Index at = 0;
    for (int i = 0; i < static_cast<int>(call.node.inputs().size()); ++i) {
      const Index run_length = call.in_shape(i)[axis_] * y.inner;
      for (Index o = 0; o < y.outer; ++o) {
        std::copy_n(call.in(i) + o * run_length, run_length, call.out() + o * y.size * y.inner + at);
      }
      at += run_length;
    }
  }
  void gradient(Gradients& g) const override {
    Index begin = 0;
    for (int i = 0; i < static_cast<int>(g.node().inputs().size()); ++i) {
      const Index end = begin + g.input(i).shape()[axis_];
      if (g.wants(i)) g.set(i, slice(g.graph(), g.dy(), axis_, begin, end));
      begin = end;
    }
  }
  Traits traits() const override { return {.narrowing = Narrowing::passes}; }

 private:
  int axis_;
};

/// The gradient of a slice: dy at its places, zero elsewhere; a pad is one with step 1.
class Place final : public Op {
 public:
  Place(int axis, Index begin, Index step, Index size, std::string name)
      : axis_(axis), begin_(begin), step_(step), size_(size), name_(std::move(name)) {}
  Description describe() const override {
    return {name_, "y = x at the places begin, begin + step, ... of the axis, 0 elsewhere",
            Attributes()
                .add("axis", Index{axis_}, fmt::format("axis {}", axis_))
                .add("begin", begin_)
                .add("step", step_)
                .add("size", size_)};
  }
  std::vector<Spec> infer(std::span<const Spec> inputs, const std::string& where) const override {
    require_axis(name(), where, inputs[0], axis_);
    return {{inputs[0].shape.with(axis_, size_), DType::number, inputs[0].axis}};
  }
  void run(const Call& call) const override {
    const AxisView x = view(call.in_shape(0), call.in_count(0), axis_);
    // Places side by side are copied together.
    const Index together = step_ == 1 ? x.size : 1;
    std::fill_n(call.out(), call.out_count(), real(0));
    for (Index o = 0; o < x.outer; ++o) {
      for (Index i = 0; i < x.size; i += together) {
        std::copy_n(call.in(0) + (o * x.size + i) * x.inner, together * x.inner,
                    call.out() + (o * size_ + begin_ + i * step_) * x.inner);
      }
    }
  }
  void gradient(Gradients& g) const override {
    const Index places = g.input(0).shape()[axis_];
    g.set(0, slice(g.graph(), g.dy(), axis_, begin_, begin_ + (places - 1) * step_ + 1, step_));
  }
  Traits traits() const override { return {.narrowing = Narrowing::passes}; }

 private:
  int axis_;
  Index begin_, step_, size_;
  std::string name_;
};

class Slice final : public Op {
 public:
  Slice(int axis, Index begin, Index end, Index step) : axis_(axis), begin_(begin), end_(end), step_(step) {}
  Description describe() const override {
    return {"slice", "y = x at the places begin, begin + step, ... before end of the axis",
            Attributes()
                .add("axis", Index{axis_}, fmt::format("axis {}", axis_))
                .add("begin", begin_, fmt::format("from {}", begin_))
                .add("end", end_, fmt::format("to {}", end_))
                .add("step", step_, fmt::format("step {}", step_))};
  }
  std::vector<Spec> infer(std::span<const Spec> inputs, const std::string& where) const override {
    const Shape& x = inputs[0].shape;
    require_type(name(), where, inputs[0], DType::number, "input");
    require_axis(name(), where, inputs[0], axis_);
    if (begin_ < 0 || begin_ >= end_ || end_ > x[axis_] || step_ < 1) {
      shape_error(
          name(), where,
          fmt::format(
              "places {} to {} step {} of axis {} of {}: wanted are 0 <= begin < end <= {} and a step from 1",
              begin_, end_, step_, axis_, x.text(), x[axis_]));
    }
    return {{x.with(axis_, (end_ - begin_ + step_ - 1) / step_), DType::number, inputs[0].axis}};
  }
  void run(const Call& call) const override {
    const AxisView y = view(call.out_shape(), call.out_count(), axis_);
    const Index size = call.in_shape(0)[axis_];
    const Index together = step_ == 1 ? y.size : 1;
    for (Index o = 0; o < y.outer; ++o) {
      for (Index i = 0; i < y.size; i += together) {
        std::copy_n(call.in(0) + (o * size + begin_ + i * step_) * y.inner, together * y.inner,
                    call.out() + (o * y.size + i) * y.inner);
      }
    }
  }
  void gradient(Gradients& g) const override {
    const Index size = g.input(0).shape()[axis_];
    g.set(0, g.graph().add(std::make_shared<Place>(axis_, begin_, step_, size, "slice_gradient"), {g.dy()}));
  }
  Traits traits() const override { return {.narrowing = Narrowing::passes}; }

 private:
  int axis_;
  Index begin_, end_, step_;
};

/// Inputs: x, lengths.
class MaskSteps final : public Op {
 public:
  Description describe() const override {
    return {"mask_steps", "y[n,t,f] = x[n,t,f] where t < lengths[n], else 0"};
  }
  std::vector<Spec> infer(std::span<const Spec> inputs, const std::string& where) const override {
    const Shape& x = inputs[0].shape;
    require_type(name(), where, inputs[0], DType::number, "input");
    require_type(name(), where, inputs[1], DType::int32, "lengths");
    if (x.rank() < 2) shape_error(name(), where, fmt::format("input {} must be (N,T,...)", x.text()));
    require_same(name(), where, inputs[1].shape, Shape{x[0]});
    return {inputs[0]};
  }
  void run(const Call& call) const override {
    const Index steps = call.in_shape(0)[1];
    const Index features = call.in_shape(0).count_from(2);
    for (Index n = 0; n < call.rows; ++n) {
      const Index valid = std::clamp<Index>(call.indices(1)[n], 0, steps) * features;
      real* y = call.out() + n * steps * features;
      const real* x = call.in(0) + n * steps * features;
      if (y != x) std::copy_n(x, valid, y);
      std::fill(y + valid, y + steps * features, real(0));
    }
  }
  void gradient(Gradients& g) const override {
    if (g.wants(0)) g.set(0, mask_steps(g.graph(), g.dy(), g.input(1)));
  }
  Traits traits() const override { return {.in_place = {0}}; }
};

template <const char* kName>
OperationKind place_kind() {
  return {kName, [](Graph& graph, const Attributes& a, std::span<const Value> inputs) {
            return graph.add(
                std::make_shared<Place>(static_cast<int>(a.get<Index>("axis")), a.get<Index>("begin"),
                                        a.get<Index>("step"), a.get<Index>("size"), kName),
                {inputs[0]});
          }};
}

constexpr char kPad[] = "pad", kSpread[] = "spread";

}  // namespace

void add_rearranging_kinds(std::vector<OperationKind>& rows) {
  rows.push_back(place_kind<kPad>());
  rows.push_back(place_kind<kSpread>());
}

Value reshape(Graph& graph, Value x, Shape shape) {
  if (x.shape() == shape) return x;
  return graph.add(std::make_shared<Reshape>(shape), {x});
}

Value flatten(Graph& graph, Value x) {
  return reshape(graph, x, Shape{x.shape()[0], x.shape().count_from(1)});
}

Value concatenate(Graph& graph, std::span<const Value> values, int axis) {
  if (values.empty()) shape_error("concatenate", graph.label(), "no inputs");
  if (values.size() == 1) return values[0];
  return graph.add(std::make_shared<Concatenate>(axis), {values.begin(), values.end()});
}

Value slice(Graph& graph, Value x, int axis, Index begin, Index end, Index step) {
  return graph.add(std::make_shared<Slice>(axis, begin, end, step), {x});
}

Value mask_steps(Graph& graph, Value x, Value lengths) {
  return graph.add(std::make_shared<MaskSteps>(), {x, lengths});
}

Value spread_places(Graph& graph, Value x, int axis, Index step) {
  require_axis("spread", graph.label(), x.spec(), axis);
  if (step < 1) shape_error("spread", graph.label(), fmt::format("step {}", step));
  if (step == 1 || x.shape()[axis] < 1) return x;
  const Index size = (x.shape()[axis] - 1) * step + 1;
  return graph.add(std::make_shared<Place>(axis, 0, step, size, kSpread), {x});
}

Value pad(Graph& graph, Value x, int axis, Index before, Index behind) {
  if (before < 0 || behind < 0)
    shape_error("pad", graph.label(), fmt::format("{} before, {} behind", before, behind));
  require_axis("pad", graph.label(), x.spec(), axis);
  if (before == 0 && behind == 0) return x;
  const Index size = before + x.shape()[axis] + behind;
  return graph.add(std::make_shared<Place>(axis, before, 1, size, kPad), {x});
}

}  // namespace firn
