// Weight gradients of narrow numbers by a matrix unit's tiles: of convolutions, dense layers and recurrent
// cells.
#include <algorithm>

#include "engine/ops/check.h"
#include "engine/ops/conv2d_ops.h"
#include "engine/ops/dense_ops.h"
#include "engine/ops/matrix_ops.h"
#include "engine/ops/parts.h"
#include "engine/ops/recurrent_ops.h"

namespace firn {

namespace {

constexpr Index kMostUnitPieces = 8;  // pieces of a convolution's weight whose gradients are computed apart
constexpr Index kUnitTaskRows = 64;   // rows of a dense weight in such a piece

/// Inputs: x, dy. As parts of the batch or in pieces of the weight.
class MatrixSum : public ImplementationOf<Op>, public ReadsNarrow {
 public:
  MatrixSum(const Choice& choice, bool parts) : ImplementationOf(choice, matrix_attribute()), parts_(parts) {}
  std::vector<Spec> infer(std::span<const Spec> inputs, const std::string& where) const override {
    return summed(what<Op>().infer(widened(inputs), where), parts_);
  }
  Description describe() const override {
    Description description = ImplementationOf::describe();
    const Attribute how = how_summed(parts_);
    description.attributes.add(how.name, how.value, how.text);
    if (!readings_.empty()) description.attributes.add(conversion(readings_, false));
    return description;
  }
  Traits traits() const override {
    Traits traits = ImplementationOf::traits();
    if (!readings_.empty()) traits.narrowing = Narrowing::none;
    return traits;
  }

 protected:
  bool parts() const { return parts_; }
  /// A call's operands as they lie in memory.
  MatrixGradient operands(const Call& call) const {
    MatrixGradient m;
    m.x = {call.inputs[0], reads_narrow(0)};
    m.dy = {call.inputs[1], reads_narrow(1)};
    m.dweight = call.out();
    m.row = call.out_shape()[-1];
    return m;
  }
  template <class T>
  static std::shared_ptr<const Op> typed(const T& op, const std::vector<Reading>& inputs) {
    auto copy = std::make_shared<T>(op);
    copy->readings_ = inputs;
    return copy;
  }

 private:
  bool reads_narrow(std::size_t i) const { return !readings_.empty() && readings_[i] == Reading::widen; }

  bool parts_;
  std::vector<Reading> readings_;  // of each input; none: as fp32
};

/// Numbers that begin `elements` further on.
Numbers shifted(Numbers x, Index elements) {
  const Index bytes = elements * (x.narrow ? Index{sizeof(Bf16)} : Index{sizeof(real)});
  return {static_cast<const std::byte*>(x.data) + bytes, x.narrow};
}

class ConvolutionSum final : public MatrixSum {
 public:
  using MatrixSum::MatrixSum;
  void run(const Call& call) const override {
    const ConvGeometry& g = geometry();
    const Index units = call.kernels.matrix.gradient_units(g), pieces = pieces_of(call.kernels);
    MatrixGradient m = operands(call);
    m.g = g;
    m.n = call.rows;
    m.x_pixel = g.c;
    m.x_image = g.h * g.w * g.c;
    m.dy_pixel = g.oc;
    m.dy_image = g.oh * g.ow * g.oc;
    m.first = parts() ? 0 : units * call.task / pieces;
    m.last = parts() ? units : units * (call.task + 1) / pieces;
    call.kernels.matrix.gradient(matrix_unit(), m, call.scratch);
  }
  Division schedule(const Node&, Index rows, const Kernels& k) const override {
    const Cut cut = parts() ? Cut{Cut::Kind::slices, 1} : Cut{Cut::Kind::tasks, pieces_of(k)};
    return {cut, k.matrix.gradient_scratch(geometry(), rows)};
  }
  std::shared_ptr<const Op> with_types(const std::vector<Reading>& inputs, bool) const override {
    return typed(*this, inputs);
  }

 private:
  const ConvGeometry& geometry() const { return what<Conv2dDwOp>().geometry(); }
  Index pieces_of(const Kernels& k) const {
    return std::clamp<Index>(k.matrix.gradient_units(geometry()), 1, kMostUnitPieces);
  }
};

/// A sum over `rows` rows as the gradient of a convolution of one pixel.
ConvGeometry row_sum(Index rows, Index in, Index out) {
  ConvGeometry g;
  g.h = g.oh = 1;
  g.w = g.ow = rows;
  g.c = in;
  g.oc = out;
  return g;
}

class DenseSum final : public MatrixSum {
 public:
  using MatrixSum::MatrixSum;
  void run(const Call& call) const override {
    const Index in = call.out_shape()[0], out = call.out_shape()[1], rows = rows_of(call, 0);
    const Index first = parts() ? 0 : call.task * kUnitTaskRows;
    MatrixGradient m = operands(call);
    m.g = row_sum(rows, parts() ? in : std::min(kUnitTaskRows, in - first), out);
    m.n = 1;
    m.x = shifted(m.x, first);
    m.dy = shifted(m.dy, what<DenseDwOp>().columns().first);
    m.x_pixel = in;
    m.dy_pixel = call.in_shape(1)[-1];
    m.dweight += first * out;
    m.last = call.kernels.matrix.gradient_units(m.g);
    if (rows == 0) {
      std::fill_n(m.dweight, m.g.c * out, real(0));
      return;
    }
    call.kernels.matrix.gradient(matrix_unit(), m, call.scratch);
  }
  Division schedule(const Node& node, Index rows, const Kernels& k) const override {
    const Spec& x = node.inputs()[0].spec();
    const Shape& weight = node.outputs()[0].shape;
    const Index columns = std::max<Index>(1, x.shape[-1]);
    const Index count = (x.axis == Axis::batch ? rows * x.shape.count_from(1) : x.shape.count()) / columns;
    const Index piece = parts() ? weight[0] : std::min(kUnitTaskRows, weight[0]);
    const Cut pieces{Cut::Kind::tasks, std::max<Index>(1, (weight[0] + kUnitTaskRows - 1) / kUnitTaskRows)};
    return {parts() ? Cut{Cut::Kind::slices, 1} : pieces,
            k.matrix.gradient_scratch(row_sum(count, piece, weight[1]), 1)};
  }
  std::shared_ptr<const Op> with_types(const std::vector<Reading>& inputs, bool) const override {
    return typed(*this, inputs);
  }
};

/// Of the step before, times what flows back: sequences are the images, all steps but one their pixels.
class RecurrentSum final : public MatrixSum {
 public:
  using MatrixSum::MatrixSum;
  void run(const Call& call) const override {
    const bool reverse = what<RecurrentDwOp>().reverse();
    const Index t = call.in_shape(0)[1], h = call.out_shape()[0], columns = call.out_shape()[1];
    MatrixGradient m = operands(call);
    if (t < 2) {
      std::fill_n(m.dweight, h * columns, real(0));
      return;
    }
    m.g = row_sum(t - 1, h, columns);
    m.n = call.rows;
    m.x = shifted(m.x, reverse ? h : 0);
    m.dy = shifted(m.dy, reverse ? 0 : columns);
    m.x_pixel = h;
    m.x_image = t * h;
    m.dy_pixel = columns;
    m.dy_image = t * columns;
    m.last = call.kernels.matrix.gradient_units(m.g);
    call.kernels.matrix.gradient(matrix_unit(), m, call.scratch);
  }
  Division schedule(const Node& node, Index rows, const Kernels& k) const override {
    const Shape& weight = node.outputs()[0].shape;
    const Index steps = std::max<Index>(1, node.inputs()[0].shape()[1] - 1);
    return {Op::schedule(node, rows, k).cut,
            k.matrix.gradient_scratch(row_sum(steps, weight[0], weight[1]), rows)};
  }
  std::shared_ptr<const Op> with_types(const std::vector<Reading>& inputs, bool) const override {
    return typed(*this, inputs);
  }
};

template <class Sum>
Chosen by_parts(const Choice& choice) {
  return reduced(choice, std::make_shared<Sum>(choice, true), choice.node.inputs());
}
template <class Sum>
Chosen by_pieces(const Choice& choice) {
  return {std::make_shared<Sum>(choice, false), choice.node.inputs()};
}

bool convolution_fits(const Choice& choice) {
  return matrix_allowed(choice) && matrix_fits(choice.op<Conv2dDwOp>().geometry());
}
double convolution_cost(const Choice& choice) {
  return matrix_choice_cost(matrix_gradient_cost(choice.op<Conv2dDwOp>().geometry(), unit_rate_of(choice)));
}
double dense_cost(const Choice& choice) {
  const Shape &x = choice.input(0).shape(), &dy = choice.input(1).shape();
  const ConvGeometry g = row_sum(x.count() / std::max<Index>(1, x[-1]), x[-1], dy[-1]);
  return matrix_choice_cost(matrix_gradient_cost(g, unit_rate_of(choice)));
}
double recurrent_cost(const Choice& choice) {
  const Shape &x = choice.input(0).shape(), &dy = choice.input(1).shape();
  const ConvGeometry g = row_sum(std::max<Index>(1, x[1] - 1), x[2], dy[2]);
  return matrix_choice_cost(matrix_gradient_cost(g, unit_rate_of(choice)));
}

}  // namespace

const Implementation conv2d_dw_matrix_parts{
    "tiles, by parts of the batch",
    [](const Choice& choice) { return convolution_fits(choice) && conv2d_dw_by_parts.fits(choice); },
    convolution_cost,
    by_parts<ConvolutionSum>,
};
const Implementation conv2d_dw_matrix_pieces{
    "tiles, by pieces of the weight",
    convolution_fits,
    convolution_cost,
    by_pieces<ConvolutionSum>,
};

const Implementation dense_dw_matrix_parts{
    "tiles, by parts of the batch",
    [](const Choice& choice) { return matrix_allowed(choice) && dense_dw_by_parts.fits(choice); },
    dense_cost,
    by_parts<DenseSum>,
};
const Implementation dense_dw_matrix_pieces{
    "tiles, by pieces of the weight",
    matrix_allowed,
    dense_cost,
    by_pieces<DenseSum>,
};

const Implementation recurrent_dw_matrix_parts{
    "tiles, by parts of the batch",
    [](const Choice& choice) { return matrix_allowed(choice) && recurrent_dw_by_parts.fits(choice); },
    recurrent_cost,
    by_parts<RecurrentSum>,
};
const Implementation recurrent_dw_matrix{
    "tiles, as a whole",
    matrix_allowed,
    recurrent_cost,
    by_pieces<RecurrentSum>,
};

}  // namespace firn
