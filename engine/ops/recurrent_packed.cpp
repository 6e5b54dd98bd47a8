// Recurrent cells by the kernels of engine/kernels/recurrent.h.
#include <algorithm>

#include "engine/ops/matrix_ops.h"
#include "engine/ops/parts.h"
#include "engine/ops/recurrent_ops.h"
#include "engine/ops/row_convolution.h"

namespace firn {

namespace {

/// What a cell's kernel call needs of its node. Inputs are the node's, the weight packed: for fp32 kernels,
/// or for a matrix unit.
class RecurrentKernelOp : public ImplementationOf<Op> {
 public:
  RecurrentKernelOp(const Choice& choice, const Shape& hidden, bool by_unit)
      : ImplementationOf(choice, by_unit ? matrix_attribute() : Attribute{}),
        geometry_{hidden[1], hidden[2], choice.op<RecurrentOp>().reverse()},
        by_unit_(by_unit) {}
  /// What it reads and writes is fp32, whatever it multiplies.
  Traits traits() const override {
    Traits traits = ImplementationOf::traits();
    traits.narrowing = Narrowing::none;
    return traits;
  }
  std::vector<Spec> infer(std::span<const Spec> inputs, const std::string& where) const override {
    return what<RecurrentOp>().infer(inputs, where);
  }

 protected:
  const RecurrentGeometry& geometry() const { return geometry_; }
  const std::int32_t* lengths(const Call& call) const {
    if (!what<RecurrentOp>().lengths()) return nullptr;
    return call.indices(static_cast<int>(call.node.inputs().size()) - 1);
  }
  RecurrentWeight weight(const Call& call, int i) const {
    return {call.in(i), by_unit_ ? &matrix_unit() : nullptr};
  }
  /// `plain` elements of scratch, and what the unit needs behind them.
  Index with_unit(Index plain, Index rows, const Kernels& k) const {
    return plain + (by_unit_ ? k.recurrent.unit_scratch(what<RecurrentOp>().gates(), geometry_, rows) : 0);
  }

 private:
  RecurrentGeometry geometry_;
  bool by_unit_;
};

class LstmForwardKernel final : public RecurrentKernelOp {
 public:
  using RecurrentKernelOp::RecurrentKernelOp;
  void run(const Call& call) const override {
    call.kernels.recurrent.lstm_forward(geometry(), call.rows, lengths(call), call.in(0), weight(call, 1),
                                        call.out(0), call.out(1), call.out(2), call.scratch);
  }
  Division schedule(const Node& node, Index rows, const Kernels& k) const override {
    return {Op::schedule(node, rows, k).cut, with_unit(k.recurrent.lstm_scratch(geometry(), rows), rows, k)};
  }
};

class LstmBackwardKernel final : public RecurrentKernelOp {
 public:
  using RecurrentKernelOp::RecurrentKernelOp;
  void run(const Call& call) const override {
    call.kernels.recurrent.lstm_backward(geometry(), call.rows, lengths(call), call.in(0), call.in(1),
                                         call.in(2), weight(call, 3), call.out(), call.scratch);
  }
  Division schedule(const Node& node, Index rows, const Kernels& k) const override {
    return {Op::schedule(node, rows, k).cut, with_unit(k.recurrent.lstm_scratch(geometry(), rows), rows, k)};
  }
};

class GruForwardKernel final : public RecurrentKernelOp {
 public:
  using RecurrentKernelOp::RecurrentKernelOp;
  void run(const Call& call) const override {
    call.kernels.recurrent.gru_forward(geometry(), call.rows, lengths(call), call.in(0), weight(call, 1),
                                       call.in(2), call.out(0), call.out(1), call.scratch);
  }
  Division schedule(const Node& node, Index rows, const Kernels& k) const override {
    return {Op::schedule(node, rows, k).cut, with_unit(k.recurrent.gru_scratch(geometry(), rows), rows, k)};
  }
};

/// The output that nobody reads the kernel writes to the scratch.
class GruBackwardKernel final : public RecurrentKernelOp {
 public:
  using RecurrentKernelOp::RecurrentKernelOp;
  void run(const Call& call) const override {
    real* spare = call.scratch + with_unit(call.kernels.recurrent.gru_scratch(geometry(), call.rows),
                                           call.rows, call.kernels);
    const auto written = [&](int i) { return call.out(i) != nullptr ? call.out(i) : spare; };
    call.kernels.recurrent.gru_backward(geometry(), call.rows, lengths(call), call.in(0), call.in(1),
                                        call.in(2), weight(call, 3), written(0), written(1), call.scratch);
  }
  Division schedule(const Node& node, Index rows, const Kernels& k) const override {
    const Index spare = what<GruBackwardOp>().spare() ? rows * geometry().t * 3 * geometry().h : 0;
    return {Op::schedule(node, rows, k).cut,
            with_unit(k.recurrent.gru_scratch(geometry(), rows), rows, k) + spare};
  }
};

/// The node's inputs with input i, the recurrent weight (H,G*H), in the form of the forward or of the
/// backward kernel.
std::vector<Value> with_packed(const Choice& choice, std::size_t i, bool transposed) {
  const Index gates = choice.op<RecurrentOp>().gates();
  std::vector<Value> inputs = choice.node.inputs();
  const Index h = inputs[i].shape()[0];
  const RecurrentKernels& k = choice.kernels.recurrent;
  const auto pack = [gates, transposed](const Call& call) {
    const RecurrentKernels& recurrent = call.kernels.recurrent;
    (transposed ? recurrent.pack_transposed : recurrent.pack)(gates, call.in_shape(0)[0], call.in(0),
                                                              call.out());
  };
  inputs[i] = choice.prepare(
      pack_op(transposed ? "pack_transposed" : "pack",
              transposed ? k.packed_transposed_count(gates, h) : k.packed_count(gates, h), pack),
      {inputs[i]});
  return inputs;
}

/// The same for a matrix unit: the weight, or its transpose, of rows of one pixel.
std::vector<Value> with_tiles(const Choice& choice, std::size_t i, bool transposed) {
  std::vector<Value> inputs = choice.node.inputs();
  const Shape& shape = inputs[i].shape();
  const ConvGeometry g =
      transposed ? row_convolution(shape[1], shape[0]) : row_convolution(shape[0], shape[1]);
  inputs[i] = choice.prepare(matrix_pack_op(choice, g, transposed), {inputs[i]});
  return inputs;
}

template <class Kernel>
Chosen forward_of(const Choice& choice) {
  return {std::make_shared<Kernel>(choice, choice.node.outputs()[0].shape, false),
          with_packed(choice, 1, false)};
}

template <class Kernel>
Chosen backward_of(const Choice& choice) {
  return {std::make_shared<Kernel>(choice, choice.input(0).shape(), false), with_packed(choice, 3, true)};
}

template <class Kernel>
Chosen tiles_forward_of(const Choice& choice) {
  return {std::make_shared<Kernel>(choice, choice.node.outputs()[0].shape, true),
          with_tiles(choice, 1, false)};
}

template <class Kernel>
Chosen tiles_backward_of(const Choice& choice) {
  return {std::make_shared<Kernel>(choice, choice.input(0).shape(), true), with_tiles(choice, 3, true)};
}

/// Of the products; the rest of a cell is the same.
template <std::size_t weight>
double recurrent_tiles_cost(const Choice& choice) {
  const Shape& w = choice.input(weight).shape();
  return matrix_choice_cost(matrix_cost({row_convolution(w[0], w[1]), 1, 1}, unit_rate_of(choice)));
}

/// Inputs: hidden, dq. As parts of the batch or as a whole.
class RecurrentOuterSum final : public ImplementationOf<Op> {
 public:
  RecurrentOuterSum(const Choice& choice, bool parts)
      : ImplementationOf(choice, parts ? how_summed(true) : Attribute{}), parts_(parts) {}
  std::vector<Spec> infer(std::span<const Spec> inputs, const std::string& where) const override {
    return summed(what<RecurrentDwOp>().infer(inputs, where), parts_);
  }
  void run(const Call& call) const override {
    const bool reverse = what<RecurrentDwOp>().reverse();
    const Index t = call.in_shape(0)[1];
    const Index h = call.out_shape()[0];
    const Index columns = call.out_shape()[1];
    std::fill_n(call.out(), h * columns, real(0));
    for (Index n = 0; n < call.rows; ++n) {
      Gemm gemm;
      gemm.m = h;
      gemm.n = columns;
      gemm.k = t - 1;
      gemm.a = call.in(0) + (n * t + (reverse ? 1 : 0)) * h;
      gemm.ams = 1;
      gemm.aks = h;
      gemm.b = call.in(1) + (n * t + (reverse ? 0 : 1)) * columns;
      gemm.ldb = columns;
      gemm.c = call.out();
      gemm.ldc = columns;
      gemm.accumulate = true;
      if (t > 1) call.kernels.gemm.product(gemm);
    }
  }

 private:
  bool parts_;
};

/// The sums are those of the whole weight, in the same order, also where only a part of it trains.
bool gates_small_in_parts(const Choice& choice) {
  const Shape& hidden = choice.input(0).shape();
  const Index whole = choice.op<RecurrentDwOp>().whole();
  return choice.input(1).spec().axis == Axis::batch &&
         small_in_parts(hidden[2] * whole, hidden.count() + hidden.with(-1, whole).count());
}

}  // namespace

const Implementation lstm_packed{"packed", fits_always, plain_cost, forward_of<LstmForwardKernel>};
const Implementation lstm_backward_packed{"packed", fits_always, plain_cost, backward_of<LstmBackwardKernel>};
const Implementation gru_packed{"packed", fits_always, plain_cost, forward_of<GruForwardKernel>};
const Implementation gru_backward_packed{"packed", fits_always, plain_cost, backward_of<GruBackwardKernel>};

const Implementation lstm_matrix{"tiles", matrix_allowed, recurrent_tiles_cost<1>,
                                 tiles_forward_of<LstmForwardKernel>};
const Implementation lstm_backward_matrix{"tiles", matrix_allowed, recurrent_tiles_cost<3>,
                                          tiles_backward_of<LstmBackwardKernel>};
const Implementation gru_matrix{"tiles", matrix_allowed, recurrent_tiles_cost<1>,
                                tiles_forward_of<GruForwardKernel>};
const Implementation gru_backward_matrix{"tiles", matrix_allowed, recurrent_tiles_cost<3>,
                                         tiles_backward_of<GruBackwardKernel>};

const Implementation recurrent_dw_by_parts{
    "by parts of the batch",
    gates_small_in_parts,
    plain_cost,
    [](const Choice& choice) {
      return reduced(choice, std::make_shared<RecurrentOuterSum>(choice, true), choice.node.inputs());
    },
};

const Implementation recurrent_dw_whole{
    "as a whole",
    fits_always,
    plain_cost,
    [](const Choice& choice) {
      return Chosen{std::make_shared<RecurrentOuterSum>(choice, false), choice.node.inputs()};
    },
};

}  // namespace firn
