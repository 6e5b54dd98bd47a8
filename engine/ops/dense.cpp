#include "engine/ops/dense.h"

#include "engine/ops/check.h"
#include "engine/ops/dense_ops.h"
#include "engine/ops/parts.h"
#include "engine/ops/trainable_part.h"

namespace firn {

Attributes RowProduct::size_attributes() const {
  return Attributes().add("size", std::vector<Index>{k_, n_}, fmt::format("{}x{}", k_, n_));
}

Cost RowProduct::cost(const Node& node) const {
  Cost cost = Op::cost(node);
  cost.macs = static_cast<double>(node.inputs()[0].shape().count()) * static_cast<double>(n_);
  return cost;
}

std::vector<Spec> DenseOp::infer(std::span<const Spec> inputs, const std::string& where) const {
  const Shape& x = inputs[0].shape;
  const Shape& w = inputs[1].shape;
  require_type(name(), where, inputs[0], DType::number, "input");
  if (x.rank() < 1 || x[-1] != w[0]) {
    shape_error(name(), where, fmt::format("input {} does not fit weight {}", x.text(), w.text()));
  }
  if (bias_ && inputs[2].shape != Shape{w[1]}) {
    shape_error(name(), where,
                fmt::format("bias {} does not fit weight {}", inputs[2].shape.text(), w.text()));
  }
  return product(inputs);
}

void DenseOp::gradient(Gradients& g) const {
  Graph& graph = g.graph();
  if (g.wants(0)) g.set(0, graph.add(std::make_shared<DenseDxOp>(n(), k()), {g.dy(), g.input(1)}));
  if (g.wants(1)) g.set(1, outer_sum(graph, g.input(0), g.dy(), g.trainable_ranges(1, 1)));
  if (bias_ && g.wants(2)) g.set(2, column_sum(graph, g.dy(), Shape{n()}));
}

std::span<const Implementation* const> DenseOp::implementations() const {
  static constexpr const Implementation* all[] = {&dense_by_columns, &dense_packed, &dense_matrix};
  return all;
}

std::span<const Implementation* const> DenseDxOp::implementations() const {
  static constexpr const Implementation* all[] = {&dense_dx_by_columns, &dense_dx_packed, &dense_dx_matrix};
  return all;
}

Description DenseDwOp::describe() const {
  return {"dense_dw", "dweight[i,o] = Σ_n x[n,i] dy[n,o]",
          Attributes().add("columns", std::vector<Index>{columns_.first, columns_.last})};
}

std::vector<Spec> DenseDwOp::infer(std::span<const Spec> inputs, const std::string& where) const {
  const Shape& x = inputs[0].shape;
  const Shape& dy = inputs[1].shape;
  if (x.rank() != dy.rank() || x.with(-1, dy[-1]) != dy) {
    shape_error(name(), where, fmt::format("rows of {} and {} differ", x.text(), dy.text()));
  }
  return {{Shape{x[-1], columns_.last - columns_.first}, DType::number, Axis::none}};
}

Cost DenseDwOp::cost(const Node& node) const {
  Cost cost = Op::cost(node);
  cost.macs = static_cast<double>(node.inputs()[0].shape().count()) *
              static_cast<double>(columns_.last - columns_.first);
  return cost;
}

std::span<const Implementation* const> DenseDwOp::implementations() const {
  static constexpr const Implementation* all[] = {&dense_dw_by_parts, &dense_dw_matrix_parts,
                                                  &dense_dw_by_pieces, &dense_dw_matrix_pieces};
  return all;
}

namespace {

class ColumnSum final : public Op {
 public:
  explicit ColumnSum(Shape shape) : shape_(shape) {}
  Description describe() const override { return {"column_sum", "y[c] = Σ_r x[r,c]"}; }
  std::vector<Spec> infer(std::span<const Spec> inputs, const std::string&) const override {
    return {{shape_, DType::number, inputs[0].axis == Axis::batch ? Axis::slice : Axis::none}};
  }
  Traits traits() const override { return {.narrowing = Narrowing::passes}; }
  void run(const Call& call) const override {
    const Index columns = shape_.count();
    const Index rows = columns > 0 ? call.in_count(0) / columns : 0;
    call.kernels.gemm.column_sum(rows, columns, call.in(0), columns, call.out(), false);
  }

 private:
  Shape shape_;
};

}  // namespace

Value dense(Graph& graph, Value x, Value weight, Value bias) {
  if (weight && weight.shape().rank() != 2) {
    shape_error("dense", graph.label(), fmt::format("weight {} is no matrix", weight.shape().text()));
  }
  std::vector<Value> inputs{x, weight};
  if (bias) inputs.push_back(bias);
  const Index k = weight ? weight.shape()[0] : 0, n = weight ? weight.shape()[1] : 0;
  return graph.add(std::make_shared<DenseOp>(k, n, static_cast<bool>(bias)), std::move(inputs));
}

Value column_sum(Graph& graph, Value x, Shape shape) {
  return reduce_parts(graph, graph.add(std::make_shared<ColumnSum>(shape), {x}));
}

Value outer_sum(Graph& graph, Value x, Value dy, const TrainableRanges* trains) {
  const Index whole = dy.shape()[-1];
  UnitRange columns{0, whole};
  if (trains != nullptr && trains->ranges.size() == 1) {
    columns = trains->ranges.front();  // read where they lie
  } else {
    dy = trainable_columns(graph, dy, trains);
    columns.last = dy.shape()[-1];
  }
  return graph.add(std::make_shared<DenseDwOp>(columns, whole), {x, dy});
}

}  // namespace firn
