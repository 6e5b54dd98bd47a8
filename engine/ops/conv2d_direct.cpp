// Convolutions by the kernels of engine/kernels/conv.h.
#include <algorithm>

#include "engine/ops/conv2d_ops.h"
#include "engine/ops/parts.h"

namespace firn {

namespace {

constexpr Index kMostPieces = 8;  // pieces of a weight whose gradients are computed apart

/// Winograd's tiles that somebody asked for leave the direct kernel no choice.
bool is_direct_allowed(const Choice& choice, const ConvGeometry& g) {
  const std::optional<Index> tile = choice.op<ConvolutionOp>().tile();
  return !tile || *tile == 0 || choice.graph.options().exact || !winograd_fits(g);
}

/// Inputs: x, packed weight, and what the epilogue needs.
class Conv2dDirect final : public ImplementationOf<WithEpilogue> {
 public:
  using ImplementationOf::ImplementationOf;
  std::vector<Spec> infer(std::span<const Spec> inputs, const std::string& where) const override {
    return what<Conv2dOp>().infer(inputs, where);
  }
  void run(const Call& call) const override {
    call.kernels.conv.forward(geometry(), call.rows, call.in(0), call.in(1), form_.bind(call), call.out(),
                              call.scratch);
  }
  Division schedule(const Node& node, Index rows, const Kernels& k) const override {
    return {Op::schedule(node, rows, k).cut, k.conv.forward_scratch(geometry(), rows)};
  }
  std::shared_ptr<const Op> with(const EpilogueForm& form) const override { return copy_with(*this, form); }

 private:
  const ConvGeometry& geometry() const { return what<Conv2dOp>().geometry(); }
};

Chosen make_direct(const Choice& choice) {
  const ConvGeometry g = choice.op<Conv2dOp>().geometry();
  const auto pack = [g](const Call& call) { call.kernels.conv.pack(g, call.in(0), call.out()); };
  Chosen chosen;
  chosen.inputs = choice.node.inputs();
  chosen.inputs[1] = choice.prepare(
      pack_op("pack", choice.kernels.conv.packed_count(g), pack, {}, choice.narrow()), {choice.input(1)});
  chosen.op =
      std::make_shared<Conv2dDirect>(choice, Attribute{}, bias_epilogue(choice.op<Conv2dOp>().bias()));
  return chosen;
}

/// Inputs: dy, packed weight.
class Conv2dDxDirect final : public ImplementationOf<Op> {
 public:
  using ImplementationOf::ImplementationOf;
  std::vector<Spec> infer(std::span<const Spec> inputs, const std::string& where) const override {
    return what<Conv2dDxOp>().infer(inputs, where);
  }
  void run(const Call& call) const override {
    call.kernels.conv.dx(what<Conv2dDxOp>().geometry(), call.rows, call.in(0), call.in(1), call.out(),
                         call.scratch);
  }
  Division schedule(const Node& node, Index rows, const Kernels& k) const override {
    return {Op::schedule(node, rows, k).cut, k.conv.dx_scratch(what<Conv2dDxOp>().geometry(), rows)};
  }
};

Chosen make_dx_direct(const Choice& choice) {
  const ConvGeometry g = choice.op<Conv2dDxOp>().geometry();
  const auto pack = [g](const Call& call) { call.kernels.conv.pack_dx(g, call.in(0), call.out()); };
  const Value packed =
      choice.prepare(pack_op("pack_dx", choice.kernels.conv.packed_dx_count(g), pack, {}, choice.narrow()),
                     {choice.input(1)});
  return {std::make_shared<Conv2dDxDirect>(choice, Attribute{}), {choice.input(0), packed}};
}

/// Inputs: x, dy. As parts of the batch, or in the kernel's units.
class Conv2dDwDirect final : public ImplementationOf<Op> {
 public:
  Conv2dDwDirect(const Choice& choice, bool parts)
      : ImplementationOf(choice, how_summed(parts)), parts_(parts) {}
  std::vector<Spec> infer(std::span<const Spec> inputs, const std::string& where) const override {
    return summed(what<Conv2dDwOp>().infer(inputs, where), parts_);
  }
  void run(const Call& call) const override {
    const ConvGeometry& g = geometry();
    const Index units = call.kernels.conv.dw_units(g), pieces = pieces_of(call.kernels);
    const Index first = parts_ ? 0 : units * call.task / pieces;
    const Index last = parts_ ? units : units * (call.task + 1) / pieces;
    call.kernels.conv.dw(g, call.rows, call.in(0), call.in(1), call.out(), false, first, last, call.scratch);
  }
  Division schedule(const Node&, Index rows, const Kernels& k) const override {
    const Cut cut = parts_ ? Cut{Cut::Kind::slices, 1} : Cut{Cut::Kind::tasks, pieces_of(k)};
    return {cut, k.conv.dw_scratch(geometry(), rows)};
  }

 private:
  const ConvGeometry& geometry() const { return what<Conv2dDwOp>().geometry(); }
  /// Several of the kernel's units make a piece: one call for many units shares what it gathers from the
  /// images.
  Index pieces_of(const Kernels& k) const { return std::min(kMostPieces, k.conv.dw_units(geometry())); }

  bool parts_;
};

/// The sums are those of the whole weight, in the same order, also where only a part of it trains.
Index whole_weight(const Choice& choice) {
  return choice.op<Conv2dDwOp>().geometry().weight_count();
}

}  // namespace

const Implementation conv2d_direct{
    "direct",
    [](const Choice& choice) { return is_direct_allowed(choice, choice.op<Conv2dOp>().geometry()); },
    plain_cost,
    make_direct,
};

const Implementation conv2d_dx_direct{
    "direct",
    [](const Choice& choice) {
      return is_direct_allowed(choice, input_gradient_of(choice.op<Conv2dDxOp>().geometry()));
    },
    plain_cost,
    make_dx_direct,
};

const Implementation conv2d_dw_by_parts{
    "by parts of the batch",
    [](const Choice& choice) {
      return sums_by_parts(whole_weight(choice), choice.input(0), choice.input(1));
    },
    plain_cost,
    [](const Choice& choice) {
      return reduced(choice, std::make_shared<Conv2dDwDirect>(choice, true), choice.node.inputs());
    },
};

const Implementation conv2d_dw_by_pieces{
    "by pieces of the weight",
    fits_always,
    plain_cost,
    [](const Choice& choice) {
      return Chosen{std::make_shared<Conv2dDwDirect>(choice, false), choice.node.inputs()};
    },
};

}  // namespace firn
