#include "engine/ops/recurrent.h"

#include <algorithm>

#include "engine/ops/arithmetic.h"
#include "engine/ops/check.h"
#include "engine/ops/dense.h"
#include "engine/ops/recurrent_ops.h"
#include "engine/ops/recurrent_steps.h"
#include "engine/ops/registry_rows.h"
#include "engine/ops/trainable_part.h"

namespace firn {

namespace {

/// Of the columns that `trains` names alone, unless that is null: the same bits.
Value recurrent_dw(Graph& graph, Value hidden, Value dq, bool reverse, const TrainableRanges* trains) {
  const Index whole = dq.shape()[2];
  return graph.add(std::make_shared<RecurrentDwOp>(reverse, whole),
                   {hidden, trainable_columns(graph, dq, trains)});
}

}  // namespace

Attributes RecurrentOp::direction() const {
  return Attributes().add("reverse", reverse_, reverse_ ? "reverse" : "");
}

Description LstmOp::describe() const {
  return {"lstm",
          "i, f, o = σ(pre + h[t-1] W), g = tanh(pre + h[t-1] W), c[t] = f c[t-1] + i g, h[t] = o "
          "tanh(c[t])",
          direction()};
}

Description LstmBackwardOp::describe() const {
  return {"lstm_backward",
          "from the last step: dh = dhidden[t] + dpre[t+1] Wᵀ, dc[t] = dh o (1 - tanh²(c[t])) + f[t+1] "
          "dc[t+1]; dpre_i = dc g i (1 - i), dpre_f = dc c[t-1] f (1 - f), dpre_g = dc i (1 - g²), dpre_o = "
          "dh tanh(c[t]) o (1 - o)",
          direction()};
}

Description GruOp::describe() const {
  return {"gru",
          "q = h[t-1] W + b, r = σ(pre + q), z = σ(pre + q), n = tanh(pre + r q), h[t] = (1 - z) n + z "
          "h[t-1]",
          direction()};
}

Description GruBackwardOp::describe() const {
  return {"gru_backward",
          "from the last step: dh = dhidden[t] + z[t+1] dh[t+1] + dq[t+1] Wᵀ, dpre_n = dh (1 - z) (1 - n²), "
          "dq_n = dpre_n r, dpre_r = dpre_n q_n r (1 - r), dpre_z = dh (h[t-1] - n) z (1 - z)",
          direction()};
}

Cost RecurrentOp::cost(const Node& node) const {
  Cost cost = Op::cost(node);
  const Shape& shape = hidden(node);
  cost.macs = static_cast<double>(shape.count()) * static_cast<double>(gates_ * shape[2]);
  return cost;
}

std::vector<Spec> LstmOp::infer(std::span<const Spec> inputs, const std::string&) const {
  const Shape hidden = inputs[0].shape.with(-1, inputs[0].shape[-1] / 4);
  return {{hidden, DType::number, inputs[0].axis}, inputs[0], {hidden, DType::number, inputs[0].axis}};
}

void LstmOp::gradient(Gradients& g) const {
  Graph& graph = g.graph();
  if (!g.wants(0) && !g.wants(1)) return;
  std::vector<Value> inputs{g.dy(), g.output(1), g.output(2), g.input(1)};
  if (lengths()) inputs.push_back(g.input(2));
  const Value dpre = graph.add(std::make_shared<LstmBackwardOp>(reverse(), lengths()), inputs);
  if (g.wants(0)) g.set(0, dpre);
  if (g.wants(1)) g.set(1, recurrent_dw(graph, g.output(), dpre, reverse(), g.trainable_ranges(1, 1)));
}

Traits LstmOp::traits() const {
  Traits traits = RecurrentOp::traits();
  traits.in_place = {0, 1};
  return traits;
}

std::span<const Implementation* const> LstmOp::implementations() const {
  static constexpr const Implementation* all[] = {&lstm_packed, &lstm_matrix};
  return all;
}

std::vector<Spec> LstmBackwardOp::infer(std::span<const Spec> inputs, const std::string&) const {
  return {inputs[1]};
}

Traits LstmBackwardOp::traits() const {
  Traits traits = RecurrentOp::traits();
  traits.in_place = {1};
  return traits;
}

std::span<const Implementation* const> LstmBackwardOp::implementations() const {
  static constexpr const Implementation* all[] = {&lstm_backward_packed, &lstm_backward_matrix};
  return all;
}

std::vector<Spec> GruOp::infer(std::span<const Spec> inputs, const std::string&) const {
  const Index h = inputs[0].shape[-1] / 3;
  return {{inputs[0].shape.with(-1, h), DType::number, inputs[0].axis},
          {inputs[0].shape.with(-1, 4 * h), DType::number, inputs[0].axis}};
}

void GruOp::gradient(Gradients& g) const {
  Graph& graph = g.graph();
  if (!g.wants(0) && !g.wants(1) && !g.wants(2)) return;
  const bool spare = g.wants(0) != (g.wants(1) || g.wants(2));
  std::vector<Value> inputs{g.dy(), g.output(0), g.output(1), g.input(1)};
  if (lengths()) inputs.push_back(g.input(3));
  const Value dpre = graph.add(std::make_shared<GruBackwardOp>(reverse(), lengths(), spare), inputs);
  const Value dq{dpre.node, 1};
  if (g.wants(0)) g.set(0, dpre);
  if (g.wants(1)) g.set(1, recurrent_dw(graph, g.output(), dq, reverse(), g.trainable_ranges(1, 1)));
  if (g.wants(2)) g.set(2, column_sum(graph, dq, g.input(2).shape()));
}

std::span<const Implementation* const> GruOp::implementations() const {
  static constexpr const Implementation* all[] = {&gru_packed, &gru_matrix};
  return all;
}

std::vector<Spec> GruBackwardOp::infer(std::span<const Spec> inputs, const std::string&) const {
  const Spec pre{inputs[0].shape.with(-1, 3 * inputs[0].shape[2]), DType::number, inputs[0].axis};
  return {pre, pre};
}

std::span<const Implementation* const> GruBackwardOp::implementations() const {
  static constexpr const Implementation* all[] = {&gru_backward_packed, &gru_backward_matrix};
  return all;
}

std::vector<Spec> RecurrentDwOp::infer(std::span<const Spec> inputs, const std::string&) const {
  return {{Shape{inputs[0].shape[2], inputs[1].shape[2]}, DType::number, Axis::none}};
}

Cost RecurrentDwOp::cost(const Node& node) const {
  Cost cost = Op::cost(node);
  const Shape& hidden = node.inputs()[0].shape();
  cost.macs = static_cast<double>(hidden[0] * std::max<Index>(0, hidden[1] - 1)) *
              static_cast<double>(node.outputs()[0].shape.count());
  return cost;
}

std::span<const Implementation* const> RecurrentDwOp::implementations() const {
  static constexpr const Implementation* all[] = {&recurrent_dw_by_parts, &recurrent_dw_matrix_parts,
                                                  &recurrent_dw_whole, &recurrent_dw_matrix};
  return all;
}

namespace {

Shape checked_hidden(std::string_view op, const Graph& graph, Value x, const RecurrentWeights& w, Index gates,
                     const RecurrentOptions& options) {
  const Shape& xs = x.shape();
  const Shape& ih = w.weight_ih.shape();
  const Shape& hh = w.weight_hh.shape();
  if (xs.rank() != 3 || xs[1] < 1)
    shape_error(op, graph.label(), fmt::format("input {} must be (N,T,F), T > 0", xs.text()));
  const Index hidden = hh.rank() == 2 ? hh[1] / gates : 0;
  const Shape state = w.projection ? Shape{hidden, hh[0]} : Shape{hidden};
  if (ih.rank() != 2 || hh.rank() != 2 || ih[0] != xs[2] || hh[1] != gates * hidden || hh[0] != state[-1] ||
      ih[1] != hh[1]) {
    shape_error(op, graph.label(),
                fmt::format("input {} does not fit weights {} and {}", xs.text(), ih.text(), hh.text()));
  }
  if (w.projection) require_same(op, graph.label(), w.projection.shape(), state);
  const RecurrentStates& initial = options.initial;
  const bool complete =
      gates == 4 ? static_cast<bool>(initial.h) == static_cast<bool>(initial.c) : !initial.c;
  const auto fits = [&](Value given, Index size) {
    return !given || given.shape() == (given.spec().axis == Axis::none ? Shape{size} : Shape{xs[0], size});
  };
  if (!complete || !fits(initial.h, hh[0]) || !fits(initial.c, hidden)) {
    const auto text = [](Value given) { return given ? given.shape().text() : std::string("none"); };
    shape_error(op, graph.label(),
                fmt::format("initial states {} and {} do not fit input {}: wanted are (N,{}) or ({}){}",
                            text(initial.h), text(initial.c), xs.text(), hh[0], hh[0],
                            gates == 4 ? " and such a cell" : " alone"));
  }
  if (options.last != nullptr && graph.options().mode == Mode::train)
    shape_error(op, graph.label(),
                fmt::format("last states of {} in training, they are for inference", xs.text()));
  require_same(op, graph.label(), w.bias_ih.shape(), Shape{hh[1]});
  require_same(op, graph.label(), w.bias_hh.shape(), Shape{hh[1]});
  if (options.lengths) {
    require_type(op, graph.label(), options.lengths.spec(), DType::int32, "lengths");
    require_same(op, graph.label(), options.lengths.shape(), Shape{xs[0]});
  }
  return hh;
}

/// The last states, of those of all steps; `cells` of an LSTM.
void give_last(Graph& graph, const RecurrentOptions& options, Value hidden, Value cells) {
  if (options.last == nullptr) return;
  const auto last = [&](Value all) { return last_step(graph, all, options.lengths, options.reverse); };
  *options.last = {last(hidden), cells ? last(cells) : Value{}};
}

}  // namespace

void add_recurrent_kinds(std::vector<OperationKind>& rows) {
  using Inputs = std::span<const Value>;
  rows.insert(
      rows.end(),
      {{"lstm",
        [](Graph& graph, const Attributes& a, Inputs in) {
          return graph.add(std::make_shared<LstmOp>(a.get<bool>("reverse"), in.size() > 2),
                           {in.begin(), in.end()});
        }},
       {"gru",
        [](Graph& graph, const Attributes& a, Inputs in) {
          return graph.add(std::make_shared<GruOp>(a.get<bool>("reverse"), in.size() > 3),
                           {in.begin(), in.end()});
        }},
       {"last_step", [](Graph& graph, const Attributes&,
                        Inputs in) { return last_step(graph, in[0], in.size() > 1 ? in[1] : Value{}); }},
       {"first_step",
        [](Graph& graph, const Attributes&, Inputs in) { return last_step(graph, in[0], {}, true); }}});
}

Value lstm(Graph& graph, Value x, const RecurrentWeights& w, const RecurrentOptions& options) {
  checked_hidden("lstm", graph, x, w, 4, options);
  if (options.initial.h || w.projection) return lstm_by_steps(graph, x, w, options);
  const Value pre = dense(graph, x, w.weight_ih, add(graph, w.bias_ih, w.bias_hh));
  std::vector<Value> inputs{pre, w.weight_hh};
  if (options.lengths) inputs.push_back(options.lengths);
  const Value all = graph.add(std::make_shared<LstmOp>(options.reverse, static_cast<bool>(options.lengths)),
                              std::move(inputs));
  give_last(graph, options, all, {all.node, 2});
  return all;
}

Value gru(Graph& graph, Value x, const RecurrentWeights& w, const RecurrentOptions& options) {
  checked_hidden("gru", graph, x, w, 3, options);
  if (options.initial.h) return gru_by_steps(graph, x, w, options);
  const Value pre = dense(graph, x, w.weight_ih, w.bias_ih);
  std::vector<Value> inputs{pre, w.weight_hh, w.bias_hh};
  if (options.lengths) inputs.push_back(options.lengths);
  const Value all = graph.add(std::make_shared<GruOp>(options.reverse, static_cast<bool>(options.lengths)),
                              std::move(inputs));
  give_last(graph, options, all, {});
  return all;
}

}  // namespace firn
