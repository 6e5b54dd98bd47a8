#include "engine/ops/dense.h"

#include <algorithm>

#include "engine/kernels/kernels.h"
#include "engine/ops/check.h"
#include "engine/ops/epilogue.h"
#include "engine/ops/reduce.h"

namespace firn {

namespace {

constexpr Index kRowsOfUnit = 64;  // rows of the weight in a unit of its gradient

/// The weight in the kernel's panels, or its transpose in them.
class PackDense final : public Op {
 public:
  explicit PackDense(bool transposed) : transposed_(transposed) {}
  std::string name() const override { return transposed_ ? "pack_transposed" : "pack"; }
  std::vector<Spec> infer(std::span<const Spec> inputs, const std::string&) const override {
    const Shape& w = inputs[0].shape;
    const Index count =
        transposed_ ? kernels().gemm.packed_count(w[1], w[0]) : kernels().gemm.packed_count(w[0], w[1]);
    return {{Shape{count}, Type::number, Axis::none}};
  }
  bool differentiable() const override { return false; }
  void run(const Call& call) const override {
    const Index in = call.in_shape(0)[0];
    const Index out = call.in_shape(0)[1];
    if (transposed_) {
      kernels().gemm.pack_transposed(out, in, call.in(0), out, call.out());
    } else {
      kernels().gemm.pack(in, out, call.in(0), out, call.out());
    }
  }

 private:
  bool transposed_;
};

/// Inputs: x (...,k), packed (k,n), and what the epilogue needs.
class Product final : public Op {
 public:
  Product(Index k, Index n, EpilogueForm form, std::string name)
      : k_(k), n_(n), form_(form), name_(std::move(name)) {}
  std::string name() const override { return name_; }
  std::string detail() const override { return fmt::format("{}x{}{}", k_, n_, form_.text()); }
  std::vector<Spec> infer(std::span<const Spec> inputs, const std::string&) const override {
    return {{inputs[0].shape.with(-1, n_), Type::number, inputs[0].axis}};
  }
  void run(const Call& call) const override {
    Gemm gemm;
    gemm.m = rows_of(call, 0);
    gemm.n = n_;
    gemm.k = k_;
    gemm.a = call.in(0);
    gemm.ams = k_;
    gemm.b = call.in(1);
    gemm.c = call.out();
    gemm.ldc = n_;
    gemm.epilogue = form_.bind(call);
    kernels().gemm.product(gemm);
  }
  Cost cost(const Node& node) const override {
    Cost cost = Op::cost(node);
    cost.macs = static_cast<double>(node.inputs()[0].shape().count()) * static_cast<double>(n_);
    return cost;
  }
  Index good_rows() const override { return 8; }
  Fused absorb(const Node& self, const Node& next) const override {
    EpilogueForm form = form_;
    std::vector<Value> extra;
    if (!form.pull(self, next, extra)) return {};
    return {std::make_shared<Product>(k_, n_, form, name_), extra};
  }

 protected:
  Index k_, n_;
  EpilogueForm form_;
  std::string name_;
};

/// Inputs: x, packed weight, weight (for its gradient only), bias unless none.
class Dense final : public Op {
 public:
  explicit Dense(bool bias) : bias_(bias) {}
  std::string name() const override { return "dense"; }
  std::string detail() const override { return bias_ ? "+bias" : ""; }
  std::vector<Spec> infer(std::span<const Spec> inputs, const std::string& where) const override {
    const Shape& x = inputs[0].shape;
    const Shape& w = inputs[2].shape;
    require_type(name(), where, inputs[0], Type::number, "input");
    if (w.rank() != 2 || x.rank() < 1 || x[-1] != w[0]) {
      shape_error(name(), where, fmt::format("input {} does not fit weight {}", x.text(), w.text()));
    }
    if (bias_ && inputs[3].shape != Shape{w[1]}) {
      shape_error(name(), where,
                  fmt::format("bias {} does not fit weight {}", inputs[3].shape.text(), w.text()));
    }
    return {{x.with(-1, w[1]), Type::number, inputs[0].axis}};
  }
  void run(const Call& call) const override { lowered(call.in_shape(2)).run(call); }
  void gradient(Gradients& g) const override {
    Graph& graph = g.graph();
    const Shape w = g.input(2).shape();
    if (g.wants(0)) {
      const Value packed = graph.add(std::make_shared<PackDense>(true), {g.input(2)});
      g.set(0,
            graph.add(std::make_shared<Product>(w[1], w[0], EpilogueForm{}, "dense_dx"), {g.dy(), packed}));
    }
    if (g.wants(2)) g.set(2, outer_sum(graph, g.input(0), g.dy()));
    if (bias_ && g.wants(3)) g.set(3, column_sum(graph, g.dy(), Shape{w[1]}));
  }
  Cost cost(const Node& node) const override { return lowered(node.inputs()[2].shape()).cost(node); }
  Index good_rows() const override { return 8; }
  Fused absorb(const Node& self, const Node& next) const override {
    return lowered(self.inputs()[2].shape()).absorb(self, next);
  }

 private:
  Product lowered(const Shape& w) const {
    EpilogueForm form;
    if (bias_) form.shift = 3;
    return {w[0], w[1], form, "dense"};
  }

  bool bias_;
};

/// Inputs x (...,in), dy (...,out): x^T * dy, as parts of the batch or in pieces of rows of the weight.
class OuterSum final : public Op {
 public:
  explicit OuterSum(bool parts) : parts_(parts) {}
  std::string name() const override { return "dense_dw"; }
  std::string detail() const override { return parts_ ? "by parts of the batch" : "by pieces of the weight"; }
  std::vector<Spec> infer(std::span<const Spec> inputs, const std::string& where) const override {
    const Shape& x = inputs[0].shape;
    const Shape& dy = inputs[1].shape;
    if (x.rank() != dy.rank() || x.with(-1, dy[-1]) != dy) {
      shape_error(name(), where, fmt::format("rows of {} and {} differ", x.text(), dy.text()));
    }
    return {{Shape{x[-1], dy[-1]}, Type::number, parts_ ? Axis::slice : Axis::none}};
  }
  void run(const Call& call) const override {
    const Index in = call.out_shape()[0];
    const Index out = call.out_shape()[1];
    const Index first = parts_ ? 0 : call.unit * kRowsOfUnit;
    Gemm gemm;
    gemm.m = parts_ ? in : std::min(kRowsOfUnit, in - first);
    gemm.n = out;
    gemm.k = rows_of(call, 0);
    gemm.a = call.in(0) + first;
    gemm.ams = 1;
    gemm.aks = in;
    gemm.b = call.in(1);
    gemm.ldb = out;
    gemm.c = call.out() + first * out;
    gemm.ldc = out;
    kernels().gemm.product(gemm);
  }
  Cut cut(const Node& node) const override {
    if (parts_) return {Cut::Kind::slices, 1};
    return {Cut::Kind::units,
            std::max<Index>(1, (node.outputs()[0].shape[0] + kRowsOfUnit - 1) / kRowsOfUnit)};
  }
  Cost cost(const Node& node) const override {
    Cost cost = Op::cost(node);
    cost.macs = static_cast<double>(node.inputs()[0].shape().count()) *
                static_cast<double>(node.outputs()[0].shape[1]);
    return cost;
  }

 private:
  bool parts_;
};

class ColumnSum final : public Op {
 public:
  explicit ColumnSum(Shape shape) : shape_(shape) {}
  std::string name() const override { return "column_sum"; }
  std::vector<Spec> infer(std::span<const Spec> inputs, const std::string&) const override {
    return {{shape_, Type::number, inputs[0].axis == Axis::batch ? Axis::slice : Axis::none}};
  }
  void run(const Call& call) const override {
    const Index columns = shape_.count();
    const Index rows = columns > 0 ? call.in_count(0) / columns : 0;
    kernels().gemm.column_sum(rows, columns, call.in(0), columns, call.out(), false);
  }

 private:
  Shape shape_;
};

}  // namespace

Value dense(Graph& graph, Value x, Value weight, Value bias) {
  if (weight && weight.shape().rank() != 2) {
    shape_error("dense", graph.label(), fmt::format("weight {} is no matrix", weight.shape().text()));
  }
  const Value packed = graph.add(std::make_shared<PackDense>(false), {weight});
  std::vector<Value> inputs{x, packed, weight};
  if (bias) inputs.push_back(bias);
  return graph.add(std::make_shared<Dense>(static_cast<bool>(bias)), std::move(inputs));
}

Value column_sum(Graph& graph, Value x, Shape shape) {
  return reduce_parts(graph, graph.add(std::make_shared<ColumnSum>(shape), {x}));
}

Value outer_sum(Graph& graph, Value x, Value dy) {
  const bool parts = sums_by_parts(x.shape()[-1] * dy.shape()[-1], x, dy);
  return reduce_parts(graph, graph.add(std::make_shared<OuterSum>(parts), {x, dy}));
}

}  // namespace firn
