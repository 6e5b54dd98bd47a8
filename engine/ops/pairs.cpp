// Narrow products made in pairs (`PairKernels`), of convolutions and of matrices.
#include <algorithm>

#include "engine/ops/check.h"
#include "engine/ops/conv2d_ops.h"
#include "engine/ops/dense_ops.h"

namespace firn {

namespace {

/// A product of rows of k numbers with a weight (k,n) as a convolution.
ConvGeometry row_convolution(Index k, Index n) {
  ConvGeometry g;
  g.h = g.w = g.oh = g.ow = 1;
  g.c = k;
  g.oc = n;
  return g;
}

/// Inputs: x, packed weight, and what the epilogue needs.
class PairsProduct final : public ImplementationOf<WithEpilogue> {
 public:
  PairsProduct(const Choice& choice, const ConvGeometry& g, const EpilogueForm& form)
      : ImplementationOf(choice, {"products", std::string("pairs"), "pairs"}, form), g_(g) {}
  std::vector<Spec> infer(std::span<const Spec> inputs, const std::string& where) const override {
    const auto* rows = dynamic_cast<const RowProduct*>(&what<Op>());
    return rows != nullptr ? rows->product(inputs) : what<Conv2dOp>().infer(inputs, where);
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
  if (choice.narrowing != Narrowing::multiplies || bf16_products() == Bf16Products::in_fp32) return false;
  return bf16_products() == Bf16Products::in_pairs ||
         (choice.kernels.isa == Isa::avx512 && bf16_pair_speed() > 0);
}

double pairs_cost(const Choice&) {
  return bf16_products() == Bf16Products::in_pairs ? -1 : 1 / bf16_pair_speed();
}

Chosen make_pairs(const Choice& choice, const ConvGeometry& g, bool bias) {
  const auto pack = [g](const Call& call) { pair_kernels(call.kernels).pack(g, call.in(0), call.out()); };
  Chosen chosen;
  chosen.inputs = choice.node.inputs();
  chosen.inputs[1] = choice.prepare(pack_op("pack", pair_kernels(choice.kernels).weight_count(g), pack,
                                            Attributes().add("products", std::string("pairs"), "for pairs")),
                                    {choice.weight(1)});
  chosen.op = std::make_shared<PairsProduct>(choice, g, bias_epilogue(bias));
  return chosen;
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
