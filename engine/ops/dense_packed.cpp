// Products with a matrix in the kernel's panels, and sums of such products over rows.
#include <algorithm>

#include "engine/ops/check.h"
#include "engine/ops/dense_ops.h"
#include "engine/ops/parts.h"

namespace firn {

namespace {

constexpr Index kRowsOfTask = 64;  // rows of the weight in a task of its gradient

/// Inputs: x, packed weight, and what the epilogue needs.
class PackedProduct final : public ImplementationOf<WithEpilogue> {
 public:
  using ImplementationOf::ImplementationOf;
  std::vector<Spec> infer(std::span<const Spec> inputs, const std::string&) const override {
    return what<RowProduct>().product(inputs);
  }
  void run(const Call& call) const override {
    const Index k = what<RowProduct>().k(), n = what<RowProduct>().n();
    Gemm gemm;
    gemm.m = rows_of(call, 0);
    gemm.n = n;
    gemm.k = k;
    gemm.a = call.in(0);
    gemm.ams = k;
    gemm.b = call.in(1);
    gemm.c = call.out();
    gemm.ldc = n;
    gemm.epilogue = form_.bind(call);
    call.kernels.gemm.product(gemm);
  }
  std::shared_ptr<const Op> with(const EpilogueForm& form) const override { return copy_with(*this, form); }
};

Chosen make_packed(const Choice& choice) {
  const auto pack = [](const Call& call) {
    const Index k = call.in_shape(0)[0], n = call.in_shape(0)[1];
    call.kernels.gemm.pack(k, n, call.in(0), n, call.out());
  };
  const auto& op = choice.op<DenseOp>();
  Chosen chosen;
  chosen.inputs = choice.node.inputs();
  chosen.inputs[1] = choice.prepare(
      pack_op("pack", choice.kernels.gemm.packed_count(op.k(), op.n()), pack, {}, choice.narrow()),
      {choice.input(1)});
  chosen.op = std::make_shared<PackedProduct>(choice, Attribute{}, bias_epilogue(op.bias()));
  return chosen;
}

Chosen make_dx_packed(const Choice& choice) {
  const auto pack = [](const Call& call) {
    const Index n = call.in_shape(0)[0], k = call.in_shape(0)[1];
    call.kernels.gemm.pack_transposed(k, n, call.in(0), k, call.out());
  };
  const auto& op = choice.op<DenseDxOp>();
  const Value packed = choice.prepare(
      pack_op("pack_transposed", choice.kernels.gemm.packed_count(op.k(), op.n()), pack, {}, choice.narrow()),
      {choice.input(1)});
  return {std::make_shared<PackedProduct>(choice, Attribute{}, EpilogueForm{}), {choice.input(0), packed}};
}

/// Inputs: x, dy. As parts of the batch or in pieces of rows of the weight.
class OuterSum final : public ImplementationOf<Op> {
 public:
  OuterSum(const Choice& choice, bool parts) : ImplementationOf(choice, how_summed(parts)), parts_(parts) {}
  std::vector<Spec> infer(std::span<const Spec> inputs, const std::string& where) const override {
    return summed(what<DenseDwOp>().infer(inputs, where), parts_);
  }
  void run(const Call& call) const override {
    const Index in = call.out_shape()[0];
    const Index out = call.out_shape()[1];
    const Index first = parts_ ? 0 : call.task * kRowsOfTask;
    Gemm gemm;
    gemm.m = parts_ ? in : std::min(kRowsOfTask, in - first);
    gemm.n = out;
    gemm.k = rows_of(call, 0);
    gemm.a = call.in(0) + first;
    gemm.ams = 1;
    gemm.aks = in;
    gemm.b = call.in(1) + what<DenseDwOp>().columns().first;
    gemm.ldb = call.in_shape(1)[-1];
    gemm.c = call.out() + first * out;
    gemm.ldc = out;
    call.kernels.gemm.product(gemm);
  }
  Division schedule(const Node& node, Index, const Kernels&) const override {
    if (parts_) return {{Cut::Kind::slices, 1}};
    const Index rows = node.outputs()[0].shape[0];
    return {{Cut::Kind::tasks, std::max<Index>(1, (rows + kRowsOfTask - 1) / kRowsOfTask), kRowsOfTask}};
  }

 private:
  bool parts_;
};

/// The sums are those of all columns, in the same order, also where only some are wanted.
bool columns_small_in_parts(const Choice& choice) {
  const Shape& x = choice.input(0).shape();
  const Index whole = choice.op<DenseDwOp>().whole();
  return choice.input(1).spec().axis == Axis::batch &&
         small_in_parts(x[-1] * whole, x.count() + x.with(-1, whole).count());
}

}  // namespace

const Implementation dense_packed{
    "packed",
    fits_always,
    plain_cost,
    make_packed,
};

const Implementation dense_dx_packed{
    "packed",
    fits_always,
    plain_cost,
    make_dx_packed,
};

const Implementation dense_dw_by_parts{
    "by parts of the batch",
    columns_small_in_parts,
    plain_cost,
    [](const Choice& choice) {
      return reduced(choice, std::make_shared<OuterSum>(choice, true), choice.node.inputs());
    },
};

const Implementation dense_dw_by_pieces{
    "by pieces of the weight",
    fits_always,
    plain_cost,
    [](const Choice& choice) {
      return Chosen{std::make_shared<OuterSum>(choice, false), choice.node.inputs()};
    },
};

}  // namespace firn
