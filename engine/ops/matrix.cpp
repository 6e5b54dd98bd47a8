// Products of bf16 by a matrix unit's tiles: convolutions and dense layers, forward and input gradient.
#include <algorithm>

#include "engine/ops/check.h"
#include "engine/ops/conv2d_ops.h"
#include "engine/ops/dense_ops.h"
#include "engine/ops/matrix_ops.h"
#include "engine/ops/rates.h"
#include "engine/ops/row_convolution.h"

namespace firn {

namespace {

/// Inputs: x, packed weight, and what the epilogue needs.
class MatrixProduct final : public ImplementationOf<WithEpilogue>, public ReadsNarrow {
 public:
  MatrixProduct(const Choice& choice, const MatrixConvolution& c, const EpilogueForm& form)
      : ImplementationOf(choice, matrix_attribute(), form), c_(c) {}
  std::vector<Spec> infer(std::span<const Spec> inputs, const std::string& where) const override {
    const std::vector<Spec> wide = widened(inputs);
    const auto* rows = dynamic_cast<const RowProduct*>(&what<Op>());
    std::vector<Spec> outputs = rows != nullptr ? rows->product(wide) : what<Op>().infer(wide, where);
    if (narrow_) outputs[0].type = DType::bf16;
    return outputs;
  }
  Description describe() const override {
    Description description = ImplementationOf::describe();
    if (!readings_.empty()) description.attributes.add(conversion(readings_, narrow_));
    return description;
  }
  Traits traits() const override {
    Traits traits = ImplementationOf::traits();
    if (!readings_.empty()) traits.narrowing = Narrowing::none;
    return traits;
  }
  void run(const Call& call) const override {
    MatrixEpilogue epilogue;
    epilogue.terms = form_.bind(call);
    if (form_.residual >= 0 && reads_narrow(form_.residual)) {
      epilogue.terms.residual = nullptr;
      epilogue.residual = static_cast<const Bf16*>(call.inputs[form_.residual]);
    }
    call.kernels.matrix.forward(matrix_unit(), c_, images(call.in_count(0)),
                                {call.inputs[0], reads_narrow(0)}, call.in(1), epilogue, call.outputs[0],
                                narrow_, call.scratch);
  }
  Division schedule(const Node& node, Index rows, const Kernels& k) const override {
    const Spec& x = node.inputs()[0].spec();
    const Index count = x.axis == Axis::batch ? rows * x.shape.count_from(1) : x.shape.count();
    return {Op::schedule(node, rows, k).cut, k.matrix.scratch(c_, images(count))};
  }
  std::shared_ptr<const Op> with(const EpilogueForm& form) const override { return copy_with(*this, form); }
  std::shared_ptr<const Op> with_types(const std::vector<Reading>& inputs, bool narrow) const override {
    for (std::size_t i = 1; i < inputs.size(); ++i) {
      if (inputs[i] == Reading::widen && static_cast<int>(i) != form_.residual) return nullptr;
    }
    auto copy = std::make_shared<MatrixProduct>(*this);
    copy->readings_ = inputs;
    copy->narrow_ = narrow;
    return copy;
  }

 private:
  bool reads_narrow(int i) const {
    return !readings_.empty() && readings_[static_cast<std::size_t>(i)] == Reading::widen;
  }
  Index images(Index elements) const {
    const Index h = (c_.g.h + c_.spread_h - 1) / c_.spread_h, w = (c_.g.w + c_.spread_w - 1) / c_.spread_w;
    return elements / std::max<Index>(1, h * w * c_.g.c);
  }

  MatrixConvolution c_;
  std::vector<Reading> readings_;  // of each input; none: as fp32
  bool narrow_ = false;
};

/// The convolution that gives the input gradient: of a gradient spread by the stride.
MatrixConvolution gradient_convolution(const ConvGeometry& g) {
  MatrixConvolution c;
  c.spread_h = g.stride_h;
  c.spread_w = g.stride_w;
  c.g = g;
  c.g.stride_h = c.g.stride_w = 1;
  c.g.h = (g.oh - 1) * g.stride_h + 1;
  c.g.w = (g.ow - 1) * g.stride_w + 1;
  c.g.c = g.oc;
  c.g.oh = g.h;
  c.g.ow = g.w;
  c.g.oc = g.c;
  c.g.pad_h = g.kh - 1 - g.pad_h;
  c.g.pad_w = g.kw - 1 - g.pad_w;
  return c;
}

/// `turned`: the weight is the forward convolution's, for its input gradient.
Chosen make_product(const Choice& choice, const MatrixConvolution& c, bool bias, bool turned) {
  Chosen chosen;
  chosen.inputs = choice.node.inputs();
  chosen.inputs[1] = choice.prepare(matrix_pack_op(choice, c.g, turned), {choice.input(1)});
  chosen.op = std::make_shared<MatrixProduct>(choice, c, bias_epilogue(bias));
  return chosen;
}

MatrixConvolution convolution_of_choice(const Choice& choice) {
  return {choice.op<Conv2dOp>().geometry(), 1, 1};
}
MatrixConvolution gradient_of_choice(const Choice& choice) {
  return gradient_convolution(choice.op<Conv2dDxOp>().geometry());
}
MatrixConvolution rows_of_choice(const Choice& choice) {
  const auto& op = choice.op<RowProduct>();
  return {row_convolution(op.k(), op.n()), 1, 1};
}

template <MatrixConvolution (*convolution)(const Choice&)>
double product_cost(const Choice& choice) {
  return matrix_choice_cost(matrix_cost(convolution(choice), unit_rate_of(choice)));
}

}  // namespace

Attribute matrix_attribute() {
  return {"products", std::string("tiles"), fmt::format("tiles ({})", matrix_unit().name)};
}

bool matrix_allowed(const Choice& choice) {
  if (!choice.narrow()) return false;
  if (bf16_products() == Bf16Products::where_faster) return unit_rate(choice.kernels) > 0;
  return bf16_products() != Bf16Products::in_fp32;
}

double unit_rate_of(const Choice& choice) {
  return std::max(rates::kPlain, unit_rate(choice.kernels));
}

double matrix_choice_cost(double cost) {
  return bf16_products() == Bf16Products::where_faster ? cost : rates::kAskedFor;
}

std::shared_ptr<const Op> matrix_pack_op(const Choice& choice, const ConvGeometry& g, bool turned) {
  const auto pack = [g, turned](const Call& call) {
    if (turned) turn_filters(g, call.in(0), call.scratch);
    call.kernels.matrix.pack(g, turned ? call.scratch : call.in(0), call.out());
  };
  return pack_op(turned ? "pack_dx" : "pack", choice.kernels.matrix.weight_count(g), pack,
                 Attributes().add("products", std::string("tiles"), "for tiles"), false,
                 turned ? g.weight_count() : 0);
}

const Implementation conv2d_matrix{
    "tiles",
    [](const Choice& choice) {
      return matrix_allowed(choice) && matrix_fits(convolution_of_choice(choice).g);
    },
    product_cost<convolution_of_choice>,
    [](const Choice& choice) {
      return make_product(choice, convolution_of_choice(choice), choice.op<Conv2dOp>().bias(), false);
    },
};

const Implementation conv2d_dx_matrix{
    "tiles",
    [](const Choice& choice) {
      const ConvGeometry& g = choice.op<Conv2dDxOp>().geometry();
      return matrix_allowed(choice) && matrix_fits(gradient_of_choice(choice).g) && g.pad_h < g.kh &&
             g.pad_w < g.kw;
    },
    product_cost<gradient_of_choice>,
    [](const Choice& choice) { return make_product(choice, gradient_of_choice(choice), false, true); },
};

const Implementation dense_matrix{
    "tiles",
    matrix_allowed,
    product_cost<rows_of_choice>,
    [](const Choice& choice) {
      return make_product(choice, rows_of_choice(choice), choice.op<DenseOp>().bias(), false);
    },
};

const Implementation dense_dx_matrix{
    "tiles",
    matrix_allowed,
    product_cost<rows_of_choice>,
    [](const Choice& choice) { return make_product(choice, rows_of_choice(choice), false, true); },
};

}  // namespace firn
