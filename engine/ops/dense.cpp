#include "engine/ops/dense.h"

#include <algorithm>

#include "engine/kernels/kernels.h"
#include "engine/ops/bf16.h"
#include "engine/ops/check.h"
#include "engine/ops/epilogue.h"
#include "engine/ops/parts.h"
#include "engine/ops/trainable_part.h"

namespace firn {

namespace {

constexpr Index kRowsOfUnit = 64;      // rows of the weight in a unit of its gradient
constexpr Index kColumnsOfUnit = 64;   // most columns of a product that is cut by columns
constexpr Index kPartsOfColumns = 8;   // units that such a product has at least, if its columns allow it
constexpr Index kColumnStep = 32;      // a multiple of every kernel's panel
constexpr Index kWorthColumns = 4096;  // fewer weights stay in the first-level cache from slice to slice
/// Rows of a slice, however the product is cut: so all programs of a model cut a batch alike, whatever is
/// frozen.
constexpr Index kGoodRows = 8;

/// The weight in the kernel's panels, or its transpose in them.
class PackDense final : public Op {
 public:
  explicit PackDense(bool transposed, bool pairs = false) : transposed_(transposed), pairs_(pairs) {}
  std::string name() const override { return transposed_ ? "pack_transposed" : "pack"; }
  std::vector<Spec> infer(std::span<const Spec> inputs, const std::string&) const override {
    const Shape& w = inputs[0].shape;
    if (pairs_) {
      return {{Shape{pair_kernels().weight_count(row_product(w[0], w[1]))}, DType::number, Axis::none}};
    }
    const Index count =
        transposed_ ? kernels().gemm.packed_count(w[1], w[0]) : kernels().gemm.packed_count(w[0], w[1]);
    return {{Shape{count}, DType::number, Axis::none}};
  }
  bool differentiable() const override { return false; }
  void run(const Call& call) const override {
    const Index in = call.in_shape(0)[0];
    const Index out = call.in_shape(0)[1];
    if (pairs_) {
      pair_kernels().pack(row_product(in, out), call.in(0), call.out());
    } else if (transposed_) {
      kernels().gemm.pack_transposed(out, in, call.in(0), out, call.out());
    } else {
      kernels().gemm.pack(in, out, call.in(0), out, call.out());
    }
  }

 private:
  bool transposed_;
  bool pairs_;
};

/// How the weight of a product is given.
enum class Form {
  packed,      ///< in the kernel's panels; the product is cut by slices of the batch
  rounded,     ///< likewise, of bf16 numbers: what it is multiplied with is rounded too
  pairs,       ///< of bf16, for the products of pairs; else as rounded
  plain,       ///< rows of (k,n), read as they lie; cut by columns
  transposed,  ///< rows of (n,k); cut by columns, each unit packs what it reads
};

/// Inputs: x (...,k), weight, and what the epilogue needs.
class Product final : public Op {
 public:
  Product(Index k, Index n, Form weight, EpilogueForm form, std::string name)
      : k_(k), n_(n), weight_(weight), form_(form), name_(std::move(name)) {}
  std::string name() const override { return name_; }
  std::string detail() const override {
    return fmt::format("{}x{}{}{}", k_, n_,
                       by_columns()             ? " by columns"
                       : weight_ == Form::pairs ? " pairs"
                                                : "",
                       form_.text());
  }
  std::vector<Spec> infer(std::span<const Spec> inputs, const std::string&) const override {
    return {{inputs[0].shape.with(-1, n_), DType::number, inputs[0].axis}};
  }
  void run(const Call& call) const override {
    if (weight_ == Form::pairs) {
      pair_kernels().forward(row_product(k_, n_), rows_of(call, 0), call.in(0), call.in(1), form_.bind(call),
                             call.out(), call.scratch);
      return;
    }
    const Index first = by_columns() ? call.task * width() : 0;
    Gemm gemm;
    gemm.m = rows_of(call, 0);
    gemm.n = by_columns() ? std::min(width(), n_ - first) : n_;
    gemm.k = k_;
    gemm.a = call.in(0);
    gemm.ams = k_;
    gemm.b = call.in(1);
    gemm.c = call.out() + first;
    gemm.ldc = n_;
    gemm.epilogue = form_.bind(call);
    if (gemm.epilogue.scale != nullptr) gemm.epilogue.scale += first;
    if (gemm.epilogue.shift != nullptr) gemm.epilogue.shift += first;
    if (gemm.epilogue.residual != nullptr) gemm.epilogue.residual += first;
    if (weight_ == Form::transposed) {
      kernels().gemm.pack_transposed(k_, gemm.n, call.in(1) + first * k_, k_, call.scratch);
      gemm.b = call.scratch;
    } else if (weight_ == Form::plain) {
      gemm.b += first;
      gemm.ldb = n_;
    }
    kernels().gemm.product(gemm);
  }
  Cut cut(const Node& node) const override {
    if (!by_columns()) return Op::cut(node);
    return {Cut::Kind::tasks, std::max<Index>(1, (n_ + width() - 1) / width())};
  }
  Index scratch(const Node& node, Index rows) const override {
    if (weight_ == Form::pairs) {
      const Spec& x = node.inputs()[0].spec();
      const Index count = x.axis == Axis::batch ? rows * x.shape.count_from(1) : x.shape.count();
      return pair_kernels().scratch(row_product(k_, n_), count / std::max<Index>(1, k_));
    }
    return weight_ == Form::transposed ? kernels().gemm.packed_count(k_, width()) : 0;
  }
  Cost cost(const Node& node) const override {
    Cost cost = Op::cost(node);
    cost.macs = static_cast<double>(node.inputs()[0].shape().count()) * static_cast<double>(n_);
    return cost;
  }
  Index min_efficient_rows() const override { return kGoodRows; }
  Fused absorb(const Node& self, const Node& next) const override {
    EpilogueForm form = form_;
    std::vector<Value> extra;
    if (!form.pull(self, next, extra)) return {};
    return {std::make_shared<Product>(k_, n_, weight_, form, name_), extra};
  }
  InBf16 in_bf16() const override { return part_of(weight_); }
  static InBf16 part_of(Form weight) {
    return weight == Form::rounded || weight == Form::pairs ? InBf16::multiplies : InBf16::no;
  }

 private:
  bool by_columns() const { return weight_ == Form::plain || weight_ == Form::transposed; }
  Index width() const {
    const Index even = (n_ + kPartsOfColumns - 1) / kPartsOfColumns;
    return std::clamp((even + kColumnStep - 1) / kColumnStep * kColumnStep, kColumnStep, kColumnsOfUnit);
  }

  Index k_, n_;
  Form weight_;
  EpilogueForm form_;
  std::string name_;
};

/// Whether a product reads its weight once for the whole batch instead of once for each slice. So where the
/// weight changes with each step and is large beside what it is multiplied with: it would have to be packed
/// for one use of each slice, and would not stay in the second-level cache between two.
bool by_columns(const Graph& graph, Value x, Value weight, Index n) {
  const Index count = weight.shape().count();
  return graph.options().mode == Mode::train && graph.depends_on_trainable(weight) &&
         count >= kWorthColumns && x.spec().axis == Axis::batch &&
         !small_in_parts(count, x.shape().count() + x.shape().with(-1, n).count());
}

/// Inputs: x, the packed weight unless it is cut by columns, weight (then for its gradient only), bias unless
/// none.
class Dense final : public Op {
 public:
  Dense(Form form, bool bias) : form_(form), weight_(form == Form::plain ? 1 : 2), bias_(bias) {}
  std::string name() const override { return "dense"; }
  std::string detail() const override { return bias_ ? "+bias" : ""; }
  std::vector<Spec> infer(std::span<const Spec> inputs, const std::string& where) const override {
    const Shape& x = inputs[0].shape;
    const Shape& w = inputs[at()].shape;
    require_type(name(), where, inputs[0], DType::number, "input");
    if (w.rank() != 2 || x.rank() < 1 || x[-1] != w[0]) {
      shape_error(name(), where, fmt::format("input {} does not fit weight {}", x.text(), w.text()));
    }
    if (const std::size_t b = at() + 1; bias_ && inputs[b].shape != Shape{w[1]}) {
      shape_error(name(), where,
                  fmt::format("bias {} does not fit weight {}", inputs[b].shape.text(), w.text()));
    }
    return {{x.with(-1, w[1]), DType::number, inputs[0].axis}};
  }
  void run(const Call& call) const override { lowered(call.in_shape(weight_)).run(call); }
  Cut cut(const Node& node) const override { return lowered(node).cut(node); }
  Index scratch(const Node& node, Index rows) const override { return lowered(node).scratch(node, rows); }
  void gradient(Gradients& g) const override {
    Graph& graph = g.graph();
    const Value w = g.input(weight_);
    const Index in = w.shape()[0], out = w.shape()[1];
    if (g.wants(0)) {
      const bool columns = by_columns(graph, g.dy(), w, in);
      const Value b = columns ? w : graph.add(std::make_shared<PackDense>(true), {w});
      const Form form = columns ? Form::transposed : Form::packed;
      g.set(0, graph.add(std::make_shared<Product>(out, in, form, EpilogueForm{}, "dense_dx"), {g.dy(), b}));
    }
    if (g.wants(weight_))
      g.set(weight_, outer_sum(graph, g.input(0), g.dy(), g.trainable_ranges(weight_, 1)));
    if (bias_ && g.wants(weight_ + 1)) g.set(weight_ + 1, column_sum(graph, g.dy(), Shape{out}));
  }
  InBf16 in_bf16() const override { return Product::part_of(form_); }
  Cost cost(const Node& node) const override { return lowered(node).cost(node); }
  Index min_efficient_rows() const override { return kGoodRows; }
  Fused absorb(const Node& self, const Node& next) const override { return lowered(self).absorb(self, next); }

 private:
  std::size_t at() const { return static_cast<std::size_t>(weight_); }
  Product lowered(const Node& node) const { return lowered(node.inputs()[at()].shape()); }
  Product lowered(const Shape& w) const {
    EpilogueForm form;
    if (bias_) form.shift = weight_ + 1;
    return {w[0], w[1], form_, form, "dense"};
  }

  Form form_;
  int weight_;  // the input's number; 1: the product is cut by columns
  bool bias_;
};

/// Inputs x (...,in), dy (...,out): x^T * columns of dy, as parts of the batch or in pieces of rows of the
/// weight.
class OuterSum final : public Op {
 public:
  OuterSum(bool parts, UnitRange columns) : parts_(parts), columns_(columns) {}
  std::string name() const override { return "dense_dw"; }
  std::string detail() const override { return parts_ ? "by parts of the batch" : "by pieces of the weight"; }
  std::vector<Spec> infer(std::span<const Spec> inputs, const std::string& where) const override {
    const Shape& x = inputs[0].shape;
    const Shape& dy = inputs[1].shape;
    if (x.rank() != dy.rank() || x.with(-1, dy[-1]) != dy) {
      shape_error(name(), where, fmt::format("rows of {} and {} differ", x.text(), dy.text()));
    }
    return {{Shape{x[-1], columns_.last - columns_.first}, DType::number, parts_ ? Axis::slice : Axis::none}};
  }
  void run(const Call& call) const override {
    const Index in = call.out_shape()[0];
    const Index out = call.out_shape()[1];
    const Index first = parts_ ? 0 : call.task * kRowsOfUnit;
    Gemm gemm;
    gemm.m = parts_ ? in : std::min(kRowsOfUnit, in - first);
    gemm.n = out;
    gemm.k = rows_of(call, 0);
    gemm.a = call.in(0) + first;
    gemm.ams = 1;
    gemm.aks = in;
    gemm.b = call.in(1) + columns_.first;
    gemm.ldb = call.in_shape(1)[-1];
    gemm.c = call.out() + first * out;
    gemm.ldc = out;
    kernels().gemm.product(gemm);
  }
  Cut cut(const Node& node) const override {
    if (parts_) return {Cut::Kind::slices, 1};
    return {Cut::Kind::tasks,
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
  UnitRange columns_;
};

class ColumnSum final : public Op {
 public:
  explicit ColumnSum(Shape shape) : shape_(shape) {}
  std::string name() const override { return "column_sum"; }
  std::vector<Spec> infer(std::span<const Spec> inputs, const std::string&) const override {
    return {{shape_, DType::number, inputs[0].axis == Axis::batch ? Axis::slice : Axis::none}};
  }
  void run(const Call& call) const override {
    const Index columns = shape_.count();
    const Index rows = columns > 0 ? call.in_count(0) / columns : 0;
    kernels().gemm.column_sum(rows, columns, call.in(0), columns, call.out(), false);
  }

 private:
  Shape shape_;
};

/// How a dense layer's weight is handed to its product.
Form form_of(const Graph& graph, Value x, Value weight) {
  if (!weight || x.shape().rank() == 0) return Form::packed;
  if (by_columns(graph, x, weight, weight.shape()[1])) return Form::plain;
  if (!computes_in_bf16(graph, x, weight)) return Form::packed;
  return multiplies_pairs(row_product(weight.shape()[0], weight.shape()[1]), 0) ? Form::pairs : Form::rounded;
}

}  // namespace

Value dense(Graph& graph, Value x, Value weight, Value bias) {
  if (weight && weight.shape().rank() != 2) {
    shape_error("dense", graph.label(), fmt::format("weight {} is no matrix", weight.shape().text()));
  }
  const Form form = form_of(graph, x, weight);
  std::vector<Value> inputs{x};
  if (form != Form::plain) {
    const bool low = Product::part_of(form) == InBf16::multiplies;
    inputs.push_back(graph.add(std::make_shared<PackDense>(false, form == Form::pairs),
                               {low ? round_to_bf16(graph, weight) : weight}));
  }
  inputs.push_back(weight);
  if (bias) inputs.push_back(bias);
  return graph.add(std::make_shared<Dense>(form, static_cast<bool>(bias)), std::move(inputs));
}

Value column_sum(Graph& graph, Value x, Shape shape) {
  return reduce_parts(graph, graph.add(std::make_shared<ColumnSum>(shape), {x}));
}

Value outer_sum(Graph& graph, Value x, Value dy, const TrainableRanges* trains) {
  // The sums are those of all columns, in the same order, also where only some are wanted.
  const bool parts = sums_by_parts(x.shape()[-1] * dy.shape()[-1], x, dy);
  UnitRange columns{0, dy.shape()[-1]};
  if (trains != nullptr && trains->ranges.size() == 1) {
    columns = trains->ranges.front();  // read where they lie
  } else {
    dy = trainable_columns(graph, dy, trains);
    columns.last = dy.shape()[-1];
  }
  return reduce_parts(graph, graph.add(std::make_shared<OuterSum>(parts, columns), {x, dy}));
}

}  // namespace firn
