// Convolutions by Winograd's minimal filtering, engine/kernels/winograd.h.
#include <fmt/core.h>

#include "engine/ops/conv2d_ops.h"
#include "engine/ops/rates.h"
#include "engine/ops/winograd.h"

namespace firn {

namespace {

std::string tile_text(Index m) {
  return fmt::format("F({}x{})", m, m);
}

/// The convolution that is computed: the node's, or that which gives its input gradient.
ConvGeometry tiled_geometry(const Choice& choice) {
  const auto& op = choice.op<ConvolutionOp>();
  return op.name() == "conv2d_dx" ? input_gradient_of(op.geometry()) : op.geometry();
}

template <Index m>
bool tiles_fit(const Choice& choice) {
  const ConvGeometry g = tiled_geometry(choice);
  if (!winograd_fits(g) || choice.graph.options().exact) return false;
  if (const auto wanted = choice.op<ConvolutionOp>().tile()) return *wanted == m;
  const Index batch = choice.changes_each_step(choice.input(1)) ? choice.input(0).shape()[0] : 0;
  return winograd_tile(g, choice.kernels.isa, batch) == m;
}

template <Index m>
double tiles_cost(const Choice& choice) {
  if (choice.op<ConvolutionOp>().tile()) return rates::kAskedFor;
  const Index batch = choice.changes_each_step(choice.input(1)) ? choice.input(0).shape()[0] : 0;
  return 1 / winograd_gain(tiled_geometry(choice), choice.kernels.isa, batch, m);
}

/// Inputs: x or dy, transformed weight, and what the epilogue needs: another summand of a gradient.
class Conv2dTiles final : public ImplementationOf<WithEpilogue> {
 public:
  Conv2dTiles(const Choice& choice, Index m, const EpilogueForm& form)
      : ImplementationOf(choice, {"tile", m, tile_text(m)}, form), g_(tiled_geometry(choice)), m_(m) {}
  std::vector<Spec> infer(std::span<const Spec> inputs, const std::string& where) const override {
    return what<Op>().infer(inputs, where);
  }
  void run(const Call& call) const override {
    call.kernels.winograd.forward(g_, m_, call.rows, call.in(0), call.in(1), form_.bind(call), call.out(),
                                  call.scratch);
  }
  Division schedule(const Node& node, Index rows, const Kernels& k) const override {
    return {Op::schedule(node, rows, k).cut, k.winograd.scratch(g_, m_, rows)};
  }
  std::shared_ptr<const Op> with(const EpilogueForm& form) const override { return copy_with(*this, form); }

 private:
  ConvGeometry g_;
  Index m_;
};

template <Index m>
Chosen make_tiles(const Choice& choice) {
  const ConvGeometry g = choice.op<Conv2dOp>().geometry();
  const auto pack = [g](const Call& call) { call.kernels.winograd.transform(g, m, call.in(0), call.out()); };
  Chosen chosen;
  chosen.inputs = choice.node.inputs();
  chosen.inputs[1] = choice.prepare(pack_op("pack", choice.kernels.winograd.weight_count(g, m), pack,
                                            Attributes().add("tile", m, "for " + tile_text(m))),
                                    {choice.rounded(1)});
  chosen.op = std::make_shared<Conv2dTiles>(choice, m, bias_epilogue(choice.op<Conv2dOp>().bias()));
  return chosen;
}

template <Index m>
Chosen make_dx_tiles(const Choice& choice) {
  const ConvGeometry g = choice.op<Conv2dDxOp>().geometry();
  const auto pack = [g](const Call& call) {
    call.kernels.winograd.transform_dx(g, m, call.in(0), call.out());
  };
  const Index count = choice.kernels.winograd.weight_count(input_gradient_of(g), m);
  const Value packed =
      choice.prepare(pack_op("pack_dx", count, pack, Attributes().add("tile", m, "for " + tile_text(m))),
                     {choice.rounded(1)});
  return {std::make_shared<Conv2dTiles>(choice, m, EpilogueForm{}), {choice.input(0), packed}};
}

}  // namespace

const Implementation conv2d_tiles_of_2{"F(2x2)", tiles_fit<2>, tiles_cost<2>, make_tiles<2>};
const Implementation conv2d_tiles_of_4{"F(4x4)", tiles_fit<4>, tiles_cost<4>, make_tiles<4>};
const Implementation conv2d_dx_tiles_of_2{"F(2x2)", tiles_fit<2>, tiles_cost<2>, make_dx_tiles<2>};
const Implementation conv2d_dx_tiles_of_4{"F(4x4)", tiles_fit<4>, tiles_cost<4>, make_dx_tiles<4>};

}  // namespace firn
