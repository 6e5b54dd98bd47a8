// Products with a matrix that is read once for the whole batch, some columns a task, as it lies in memory.
#include <algorithm>

#include "engine/ops/check.h"
#include "engine/ops/dense_ops.h"
#include "engine/ops/parts.h"
#include "engine/ops/rates.h"

namespace firn {

namespace {

constexpr Index kColumnsOfTask = 64;  // at most
constexpr Index kPartsOfColumns = 8;  // tasks that such a product has at least, if its columns allow it
constexpr Index kColumnStep = 32;     // a multiple of every kernel's panel

/// Inputs: x, the weight (k,n), or where `transposed` its transpose (n,k), of which each task packs what it
/// reads; and what the epilogue needs.
class ColumnsProduct final : public ImplementationOf<WithEpilogue> {
 public:
  ColumnsProduct(const Choice& choice, bool transposed, const EpilogueForm& form)
      : ImplementationOf(choice, {"cut", std::string("columns"), "by columns"}, form),
        k_(choice.op<RowProduct>().k()),
        n_(choice.op<RowProduct>().n()),
        transposed_(transposed) {}
  std::vector<Spec> infer(std::span<const Spec> inputs, const std::string&) const override {
    return what<RowProduct>().product(inputs);
  }
  void run(const Call& call) const override {
    const Index first = call.task * width();
    Gemm gemm;
    gemm.m = rows_of(call, 0);
    gemm.n = std::min(width(), n_ - first);
    gemm.k = k_;
    gemm.a = call.in(0);
    gemm.ams = k_;
    gemm.c = call.out() + first;
    gemm.ldc = n_;
    gemm.epilogue = form_.bind(call);
    if (gemm.epilogue.scale != nullptr) gemm.epilogue.scale += first;
    if (gemm.epilogue.shift != nullptr) gemm.epilogue.shift += first;
    if (gemm.epilogue.residual != nullptr) gemm.epilogue.residual += first;
    if (transposed_) {
      call.kernels.gemm.pack_transposed(k_, gemm.n, call.in(1) + first * k_, k_, call.scratch);
      gemm.b = call.scratch;
    } else {
      gemm.b = call.in(1) + first;
      gemm.ldb = n_;
    }
    call.kernels.gemm.product(gemm);
  }
  Division schedule(const Node&, Index, const Kernels& kernels) const override {
    return {{Cut::Kind::tasks, std::max<Index>(1, (n_ + width() - 1) / width()), 0, true},
            transposed_ ? kernels.gemm.packed_count(k_, width()) : 0};
  }
  std::shared_ptr<const Op> with(const EpilogueForm& form) const override { return copy_with(*this, form); }

 private:
  Index width() const {
    const Index even = (n_ + kPartsOfColumns - 1) / kPartsOfColumns;
    return std::clamp((even + kColumnStep - 1) / kColumnStep * kColumnStep, kColumnStep, kColumnsOfTask);
  }

  Index k_, n_;
  bool transposed_;
};

/// Where the weight changes with each step and is large beside what it is multiplied with, it would have to
/// be packed for one use of each slice, and would not stay in the second-level cache between two. Numbers
/// that are to be rounded cannot be read as they lie.
bool columns_fit(const Choice& choice) {
  const Index n = choice.op<RowProduct>().n(), count = choice.input(1).shape().count();
  const Spec& x = choice.input(0).spec();
  return !choice.narrow() && choice.changes_each_step(choice.input(1)) && count >= rates::kWorthColumns &&
         x.axis == Axis::batch && !small_in_parts(count, x.shape.count() + x.shape.with(-1, n).count());
}

}  // namespace

const Implementation dense_by_columns{
    "by columns",
    columns_fit,
    plain_cost,
    [](const Choice& choice) {
      const EpilogueForm form = bias_epilogue(choice.op<DenseOp>().bias());
      return Chosen{std::make_shared<ColumnsProduct>(choice, false, form), choice.node.inputs()};
    },
};

const Implementation dense_dx_by_columns{
    "by columns",
    columns_fit,
    plain_cost,
    [](const Choice& choice) {
      return Chosen{std::make_shared<ColumnsProduct>(choice, true, EpilogueForm{}), choice.node.inputs()};
    },
};

}  // namespace firn
