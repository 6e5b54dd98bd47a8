// Narrow products made in pairs (`PairKernels`), of convolutions and of matrices.
#include <algorithm>

#include "engine/kernels/bf16_rate.h"
#include "engine/ops/check.h"
#include "engine/ops/conv2d_ops.h"
#include "engine/ops/dense_ops.h"
#include "engine/ops/row_convolution.h"
#include "engine/ops/winograd.h"

namespace firn {

namespace {

/// Inputs: x, packed weight, and what the epilogue needs.
class PairsProduct final : public ImplementationOf<WithEpilogue> {
 public:
  PairsProduct(const Choice& choice, const ConvGeometry& g, const EpilogueForm& form)
      : ImplementationOf(choice, {"products", std::string("pairs"), "pairs"}, form), g_(g) {}
  std::vector<Spec> infer(std::span<const Spec> inputs, const std::string& where) const override {
    const auto* rows = dynamic_cast<const RowProduct*>(&what<Op>());
    return rows != nullptr ? rows->product(inputs) : what<Op>().infer(inputs, where);
  }
  void run(const Call& call) const override {
    pair_kernels(call.kernels)
        .forward(g_, images(call.in_count(0)), call.in(0), call.in(1), form_.bind(call), call.out(),
                 call.scratch);
  }
  Division schedule(const Node& node, Index rows, const Kernels& k) const override {
    const Spec& x = node.inputs()[0].spec();
    const Index count = x.axis == Axis::batch ? rows * x.shape.count_from(1) : x.shape.count();
    return {Op::schedule(node, rows, k).cut, pair_kernels(k).scratch(g_, images(count))};
  }
  std::shared_ptr<const Op> with(const EpilogueForm& form) const override { return copy_with(*this, form); }

 private:
  Index images(Index elements) const { return elements / std::max<Index>(1, g_.h * g_.w * g_.c); }

  ConvGeometry g_;
};

bool pairs_allowed(const Choice& choice) {
  if (!choice.narrow() || bf16_products() == Bf16Products::in_fp32) return false;
  return bf16_products() == Bf16Products::in_pairs || pair_rate(choice.kernels) > 0;
}

double pairs_cost(const Choice& choice) {
  return bf16_products() == Bf16Products::in_pairs ? -1 : 1 / pair_rate(choice.kernels);
}

/// With the weight packed by `lay_out`, which writes (kh,kw,c,oc) of `g` to its second argument, or as it
/// lies.
Chosen make_pairs(const Choice& choice, const ConvGeometry& g, bool bias,
                  void (*lay_out)(const ConvGeometry& g, const real* weight, real* to) = nullptr) {
  const auto pack = [g, lay_out](const Call& call) {
    const real* weight = call.in(0);
    if (lay_out != nullptr) lay_out(g, call.in(0), call.scratch);
    pair_kernels(call.kernels).pack(g, lay_out != nullptr ? call.scratch : weight, call.out());
  };
  const std::string name = lay_out == nullptr ? "pack" : "pack_dx";
  Chosen chosen;
  chosen.inputs = choice.node.inputs();
  chosen.inputs[1] = choice.prepare(pack_op(name, pair_kernels(choice.kernels).weight_count(g), pack,
                                            Attributes().add("products", std::string("pairs"), "for pairs"),
                                            false, lay_out == nullptr ? 0 : g.weight_count()),
                                    {choice.input(1)});
  chosen.op = std::make_shared<PairsProduct>(choice, g, bias_epilogue(bias));
  return chosen;
}

/// The convolution that gives the input gradient, where that is one of stride 1.
bool is_gradient_convolution(const ConvGeometry& g) {
  return pairs_fit(g) && g.stride_h == 1 && g.stride_w == 1 && g.pad_h < g.kh && g.pad_w < g.kw;
}

}  // namespace

const Implementation conv2d_pairs{
    "pairs",
    [](const Choice& choice) { return pairs_allowed(choice) && pairs_fit(choice.op<Conv2dOp>().geometry()); },
    pairs_cost,
    [](const Choice& choice) {
      const auto& op = choice.op<Conv2dOp>();
      return make_pairs(choice, op.geometry(), op.bias());
    },
};

const Implementation conv2d_dx_pairs{
    "pairs",
    [](const Choice& choice) {
      return pairs_allowed(choice) && is_gradient_convolution(choice.op<Conv2dDxOp>().geometry());
    },
    pairs_cost,
    [](const Choice& choice) {
      const ConvGeometry g = input_gradient_of(choice.op<Conv2dDxOp>().geometry());
      return make_pairs(choice, g, false, turn_filters);
    },
};

const Implementation dense_dx_pairs{
    "pairs",
    pairs_allowed,
    pairs_cost,
    [](const Choice& choice) {
      const auto& op = choice.op<DenseDxOp>();
      return make_pairs(choice, row_convolution(op.k(), op.n()), false, turn_filters);
    },
};

const Implementation dense_pairs{
    "pairs",
    pairs_allowed,
    pairs_cost,
    [](const Choice& choice) {
      const auto& op = choice.op<DenseOp>();
      return make_pairs(choice, row_convolution(op.k(), op.n()), op.bias());
    },
};

}  // namespace firn
