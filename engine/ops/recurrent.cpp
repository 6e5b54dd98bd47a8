#include "engine/ops/recurrent.h"

#include <algorithm>

#include "engine/kernels/kernels.h"
#include "engine/ops/arithmetic.h"
#include "engine/ops/check.h"
#include "engine/ops/dense.h"
#include "engine/ops/parts.h"
#include "engine/ops/trainable_part.h"

namespace firn {

namespace {

RecurrentGeometry geometry(const Shape& hidden, bool reverse) {
  return {hidden[1], hidden[2], reverse};
}

/// The recurrent weight (H,G*H) in the form of the forward or of the backward kernel.
class PackRecurrent final : public Op {
 public:
  PackRecurrent(Index gates, bool transposed) : gates_(gates), transposed_(transposed) {}
  std::string name() const override { return transposed_ ? "pack_transposed" : "pack"; }
  std::vector<Spec> infer(std::span<const Spec> inputs, const std::string&) const override {
    const RecurrentKernels& k = kernels().recurrent;
    const Index h = inputs[0].shape[0];
    return {{Shape{transposed_ ? k.packed_transposed_count(gates_, h) : k.packed_count(gates_, h)},
             DType::number, Axis::none}};
  }
  bool differentiable() const override { return false; }
  void run(const Call& call) const override {
    const RecurrentKernels& k = kernels().recurrent;
    (transposed_ ? k.pack_transposed : k.pack)(gates_, call.in_shape(0)[0], call.in(0), call.out());
  }

 private:
  Index gates_;
  bool transposed_;
};

/// Inputs: hidden (N,T,H), dq (N,T,G*H). dW (H,G*H): the sum over t of h of the step before, transposed,
/// times dq.
class RecurrentDw final : public Op {
 public:
  RecurrentDw(bool reverse, bool parts) : reverse_(reverse), parts_(parts) {}
  std::string name() const override { return "recurrent_dw"; }
  std::vector<Spec> infer(std::span<const Spec> inputs, const std::string&) const override {
    const Shape weight{inputs[0].shape[2], inputs[1].shape[2]};
    return {{weight, DType::number, parts_ ? Axis::slice : Axis::none}};
  }
  void run(const Call& call) const override {
    const Index t = call.in_shape(0)[1];
    const Index h = call.out_shape()[0];
    const Index columns = call.out_shape()[1];
    std::fill_n(call.out(), h * columns, real(0));
    for (Index n = 0; n < call.rows; ++n) {
      Gemm gemm;
      gemm.m = h;
      gemm.n = columns;
      gemm.k = t - 1;
      gemm.a = call.in(0) + (n * t + (reverse_ ? 1 : 0)) * h;
      gemm.ams = 1;
      gemm.aks = h;
      gemm.b = call.in(1) + (n * t + (reverse_ ? 0 : 1)) * columns;
      gemm.ldb = columns;
      gemm.c = call.out();
      gemm.ldc = columns;
      gemm.accumulate = true;
      if (t > 1) kernels().gemm.product(gemm);
    }
  }
  Cost cost(const Node& node) const override {
    Cost cost = Op::cost(node);
    const Shape& hidden = node.inputs()[0].shape();
    cost.macs = static_cast<double>(hidden[0] * std::max<Index>(0, hidden[1] - 1)) *
                static_cast<double>(node.outputs()[0].shape.count());
    return cost;
  }

 private:
  bool reverse_, parts_;
};

/// Of the columns that `trains` names alone, unless that is null: the same bits.
Value recurrent_dw(Graph& graph, Value hidden, Value dq, bool reverse, const TrainableRanges* trains) {
  const bool parts = sums_by_parts(hidden.shape()[2] * dq.shape()[2], hidden, dq);
  dq = trainable_columns(graph, dq, trains);
  return reduce_parts(graph, graph.add(std::make_shared<RecurrentDw>(reverse, parts), {hidden, dq}));
}

double recurrent_macs(const Shape& hidden, Index gates) {
  return static_cast<double>(hidden.count()) * static_cast<double>(gates * hidden[2]);
}

/// What both cells share: the shape rule and the optional lengths, the last input.
class Recurrent : public Op {
 public:
  Recurrent(bool reverse, bool lengths) : reverse_(reverse), lengths_(lengths) {}
  std::string detail() const override { return reverse_ ? "reverse" : ""; }
  Index min_efficient_rows() const override { return 8; }  // as a dense layer: see there

 protected:
  const std::int32_t* lengths(const Call& call) const {
    return lengths_ ? call.indices(static_cast<int>(call.node.inputs().size()) - 1) : nullptr;
  }
  bool reverse_, lengths_;
};

/// Inputs: dhidden, gates, cell, packed transposed weight, lengths. Output: dpre.
class LstmBackward final : public Recurrent {
 public:
  using Recurrent::Recurrent;
  std::string name() const override { return "lstm_backward"; }
  std::vector<Spec> infer(std::span<const Spec> inputs, const std::string&) const override {
    return {inputs[1]};
  }
  void run(const Call& call) const override {
    kernels().recurrent.lstm_backward(geometry(call.in_shape(0), reverse_), call.rows, lengths(call),
                                      call.in(0), call.in(1), call.in(2), call.in(3), call.out(),
                                      call.scratch);
  }
  Index scratch(const Node& node, Index rows) const override {
    return kernels().recurrent.lstm_scratch(geometry(node.inputs()[0].shape(), reverse_), rows);
  }
  Cost cost(const Node& node) const override {
    Cost cost = Op::cost(node);
    cost.macs = recurrent_macs(node.inputs()[0].shape(), 4);
    return cost;
  }
  int in_place(int input) const override { return input == 1 ? 0 : -1; }
};

/// Inputs: pre (N,T,4H), packed, weight_hh (for its gradient only), lengths. Outputs: hidden, gates, cell.
class Lstm final : public Recurrent {
 public:
  using Recurrent::Recurrent;
  std::string name() const override { return "lstm"; }
  std::vector<Spec> infer(std::span<const Spec> inputs, const std::string&) const override {
    const Shape hidden = inputs[0].shape.with(-1, inputs[2].shape[0]);
    return {{hidden, DType::number, inputs[0].axis}, inputs[0], {hidden, DType::number, inputs[0].axis}};
  }
  void run(const Call& call) const override {
    kernels().recurrent.lstm_forward(geometry(call.out_shape(), reverse_), call.rows, lengths(call),
                                     call.in(0), call.in(1), call.out(0), call.out(1), call.out(2),
                                     call.scratch);
  }
  Index scratch(const Node& node, Index rows) const override {
    return kernels().recurrent.lstm_scratch(geometry(node.outputs()[0].shape, reverse_), rows);
  }
  void gradient(Gradients& g) const override {
    Graph& graph = g.graph();
    if (!g.wants(0) && !g.wants(2)) return;
    const Value packed = graph.add(std::make_shared<PackRecurrent>(4, true), {g.input(2)});
    std::vector<Value> inputs{g.dy(), g.output(1), g.output(2), packed};
    if (lengths_) inputs.push_back(g.input(3));
    const Value dpre = graph.add(std::make_shared<LstmBackward>(reverse_, lengths_), inputs);
    if (g.wants(0)) g.set(0, dpre);
    if (g.wants(2)) g.set(2, recurrent_dw(graph, g.output(), dpre, reverse_, g.trainable_ranges(2, 1)));
  }
  Cost cost(const Node& node) const override {
    Cost cost = Op::cost(node);
    cost.macs = recurrent_macs(node.outputs()[0].shape, 4);
    return cost;
  }
  int in_place(int input) const override { return input == 0 ? 1 : -1; }
};

/// Inputs: dhidden, hidden, gates, packed transposed weight, lengths. Outputs: dpre, dq (N,T,3H).
/// One of the two may be read by nobody (`spare`); the kernel writes it to the scratch.
class GruBackward final : public Recurrent {
 public:
  GruBackward(bool reverse, bool lengths, bool spare) : Recurrent(reverse, lengths), spare_(spare) {}
  std::string name() const override { return "gru_backward"; }
  std::vector<Spec> infer(std::span<const Spec> inputs, const std::string&) const override {
    const Spec pre{inputs[0].shape.with(-1, 3 * inputs[0].shape[2]), DType::number, inputs[0].axis};
    return {pre, pre};
  }
  void run(const Call& call) const override {
    const RecurrentGeometry g = geometry(call.in_shape(0), reverse_);
    real* spare = call.scratch + kernels().recurrent.gru_scratch(g, call.rows);
    const auto written = [&](int i) { return call.out(i) != nullptr ? call.out(i) : spare; };
    kernels().recurrent.gru_backward(g, call.rows, lengths(call), call.in(0), call.in(1), call.in(2),
                                     call.in(3), written(0), written(1), call.scratch);
  }
  Index scratch(const Node& node, Index rows) const override {
    const RecurrentGeometry g = geometry(node.inputs()[0].shape(), reverse_);
    return kernels().recurrent.gru_scratch(g, rows) + (spare_ ? rows * g.t * 3 * g.h : 0);
  }
  Cost cost(const Node& node) const override {
    Cost cost = Op::cost(node);
    cost.macs = recurrent_macs(node.inputs()[0].shape(), 3);
    return cost;
  }

 private:
  bool spare_;
};

/// Inputs: pre (N,T,3H), packed, weight_hh (for its gradient only), bias_hh, lengths. Outputs: hidden, gates.
class Gru final : public Recurrent {
 public:
  using Recurrent::Recurrent;
  std::string name() const override { return "gru"; }
  std::vector<Spec> infer(std::span<const Spec> inputs, const std::string&) const override {
    const Index h = inputs[2].shape[0];
    return {{inputs[0].shape.with(-1, h), DType::number, inputs[0].axis},
            {inputs[0].shape.with(-1, 4 * h), DType::number, inputs[0].axis}};
  }
  void run(const Call& call) const override {
    kernels().recurrent.gru_forward(geometry(call.out_shape(), reverse_), call.rows, lengths(call),
                                    call.in(0), call.in(1), call.in(3), call.out(0), call.out(1),
                                    call.scratch);
  }
  Index scratch(const Node& node, Index rows) const override {
    return kernels().recurrent.gru_scratch(geometry(node.outputs()[0].shape, reverse_), rows);
  }
  void gradient(Gradients& g) const override {
    Graph& graph = g.graph();
    if (!g.wants(0) && !g.wants(2) && !g.wants(3)) return;
    const bool spare = g.wants(0) != (g.wants(2) || g.wants(3));
    const Value packed = graph.add(std::make_shared<PackRecurrent>(3, true), {g.input(2)});
    std::vector<Value> inputs{g.dy(), g.output(0), g.output(1), packed};
    if (lengths_) inputs.push_back(g.input(4));
    const Value dpre = graph.add(std::make_shared<GruBackward>(reverse_, lengths_, spare), inputs);
    const Value dq{dpre.node, 1};
    if (g.wants(0)) g.set(0, dpre);
    if (g.wants(2)) g.set(2, recurrent_dw(graph, g.output(), dq, reverse_, g.trainable_ranges(2, 1)));
    if (g.wants(3)) g.set(3, column_sum(graph, dq, g.input(3).shape()));
  }
  Cost cost(const Node& node) const override {
    Cost cost = Op::cost(node);
    cost.macs = recurrent_macs(node.outputs()[0].shape, 3);
    return cost;
  }
};

Shape checked_hidden(std::string_view op, const Graph& graph, Value x, const RecurrentWeights& w, Index gates,
                     const RecurrentOptions& options) {
  const Shape& xs = x.shape();
  const Shape& ih = w.weight_ih.shape();
  const Shape& hh = w.weight_hh.shape();
  if (xs.rank() != 3 || xs[1] < 1)
    shape_error(op, graph.label(), fmt::format("input {} must be (N,T,F), T > 0", xs.text()));
  if (ih.rank() != 2 || hh.rank() != 2 || ih[0] != xs[2] || hh[1] != gates * hh[0] || ih[1] != hh[1]) {
    shape_error(op, graph.label(),
                fmt::format("input {} does not fit weights {} and {}", xs.text(), ih.text(), hh.text()));
  }
  require_same(op, graph.label(), w.bias_ih.shape(), Shape{hh[1]});
  require_same(op, graph.label(), w.bias_hh.shape(), Shape{hh[1]});
  if (options.lengths) {
    require_type(op, graph.label(), options.lengths.spec(), DType::int32, "lengths");
    require_same(op, graph.label(), options.lengths.shape(), Shape{xs[0]});
  }
  return hh;
}

/// Inputs: dy (N,F), lengths. dx (N,T,F), zero but for the step that was taken.
class LastStepGradient final : public Op {
 public:
  LastStepGradient(Spec x, bool lengths, bool first) : x_(x), lengths_(lengths), first_(first) {}
  std::string name() const override { return "last_step_gradient"; }
  std::vector<Spec> infer(std::span<const Spec>, const std::string&) const override { return {x_}; }
  void run(const Call& call) const override {
    const Index t = x_.shape[1];
    const Index f = x_.shape[2];
    std::fill_n(call.out(), call.out_count(), real(0));
    for (Index n = 0; n < call.rows; ++n) {
      const Index step = lengths_ ? std::clamp<Index>(call.indices(1)[n], 1, t) - 1 : t - 1;
      std::copy_n(call.in(0) + n * f, f, call.out() + (n * t + (first_ ? 0 : step)) * f);
    }
  }

 private:
  Spec x_;
  bool lengths_, first_;
};

class LastStep final : public Op {
 public:
  explicit LastStep(bool first) : first_(first) {}
  std::string name() const override { return first_ ? "first_step" : "last_step"; }
  std::vector<Spec> infer(std::span<const Spec> inputs, const std::string& where) const override {
    const Shape& x = inputs[0].shape;
    if (x.rank() != 3 || x[1] < 1)
      shape_error(name(), where, fmt::format("input {} must be (N,T,F), T > 0", x.text()));
    if (inputs.size() > 1) {
      require_type(name(), where, inputs[1], DType::int32, "lengths");
      require_same(name(), where, inputs[1].shape, Shape{x[0]});
    }
    return {{Shape{x[0], x[2]}, DType::number, inputs[0].axis}};
  }
  void run(const Call& call) const override {
    const Index t = call.in_shape(0)[1];
    const Index f = call.in_shape(0)[2];
    const bool lengths = call.node.inputs().size() > 1;
    for (Index n = 0; n < call.rows; ++n) {
      const Index step = lengths ? std::clamp<Index>(call.indices(1)[n], 1, t) - 1 : t - 1;
      std::copy_n(call.in(0) + (n * t + (first_ ? 0 : step)) * f, f, call.out() + n * f);
    }
  }
  void gradient(Gradients& g) const override {
    if (!g.wants(0)) return;
    const bool lengths = g.node().inputs().size() > 1;
    std::vector<Value> inputs{g.dy()};
    if (lengths) inputs.push_back(g.input(1));
    g.set(0, g.graph().add(std::make_shared<LastStepGradient>(g.input(0).spec(), lengths, first_), inputs));
  }

 private:
  bool first_;
};

}  // namespace

Value lstm(Graph& graph, Value x, const RecurrentWeights& w, const RecurrentOptions& options) {
  checked_hidden("lstm", graph, x, w, 4, options);
  const Value pre = dense(graph, x, w.weight_ih, add(graph, w.bias_ih, w.bias_hh));
  const Value packed = graph.add(std::make_shared<PackRecurrent>(4, false), {w.weight_hh});
  std::vector<Value> inputs{pre, packed, w.weight_hh};
  if (options.lengths) inputs.push_back(options.lengths);
  return graph.add(std::make_shared<Lstm>(options.reverse, static_cast<bool>(options.lengths)),
                   std::move(inputs));
}

Value gru(Graph& graph, Value x, const RecurrentWeights& w, const RecurrentOptions& options) {
  checked_hidden("gru", graph, x, w, 3, options);
  const Value pre = dense(graph, x, w.weight_ih, w.bias_ih);
  const Value packed = graph.add(std::make_shared<PackRecurrent>(3, false), {w.weight_hh});
  std::vector<Value> inputs{pre, packed, w.weight_hh, w.bias_hh};
  if (options.lengths) inputs.push_back(options.lengths);
  return graph.add(std::make_shared<Gru>(options.reverse, static_cast<bool>(options.lengths)),
                   std::move(inputs));
}

Value last_step(Graph& graph, Value x, Value lengths, bool first) {
  std::vector<Value> inputs{x};
  if (lengths && !first) inputs.push_back(lengths);
  return graph.add(std::make_shared<LastStep>(first), std::move(inputs));
}

}  // namespace firn
