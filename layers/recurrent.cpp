#include "layers/recurrent.h"

#include <fmt/core.h>

#include <cmath>

#include "engine/base/error.h"
#include "engine/ops/activation.h"
#include "engine/ops/arithmetic.h"
#include "engine/ops/dense.h"
#include "engine/ops/dropout.h"
#include "engine/ops/rearrange.h"

namespace firn {

Recurrent::Recurrent(std::string name, const std::vector<std::string>& gates, Op op, Options options)
    : name_(std::move(name)), op_(op), options_(options) {
  if (options_.in < 1 || options_.hidden < 1 || options_.layers < 1) {
    throw Error(
        Fault::usage, name_,
        fmt::format("{} inputs, {} hidden units, {} layers", options_.in, options_.hidden, options_.layers));
  }
  if (options_.bidirectional && options_.reverse) {
    throw Error(Fault::usage, name_, "reverse is one direction, bidirectional both");
  }
  const Index hidden = options_.hidden;
  const Index wide = static_cast<Index>(gates.size()) * hidden;
  const int directions = options_.bidirectional ? 2 : 1;
  const real bound = real(1) / std::sqrt(static_cast<real>(hidden));
  const auto gated = [&](ParameterPtr parameter) {
    parameter->set_unit_names(gates);
    return parameter;
  };
  const auto weight = [&](const std::string& called, Index in) {
    return gated(own(called, Shape{in, wide}, Role::weight, {Fill::Kind::uniform, bound, in, wide, true},
                     {Shape{wide, in}, Shape{wide, in}, {1, 0}}));
  };
  const auto bias = [&](const std::string& called) {
    return gated(own(called, Shape{wide}, Role::bias, {Fill::Kind::uniform, bound}));
  };
  for (Index layer = 0; layer < options_.layers; ++layer) {
    const Index in = layer == 0 ? options_.in : directions * hidden;
    for (int direction = 0; direction < directions; ++direction) {
      const bool reverse = options_.reverse || direction == 1;
      const std::string suffix =
          fmt::format("_l{}{}", options_.first_layer + layer, reverse ? "_reverse" : "");
      Cell cell;
      cell.weight_ih = weight("weight_ih" + suffix, in);
      cell.weight_hh = weight("weight_hh" + suffix, hidden);
      cell.bias_ih = bias("bias_ih" + suffix);
      cell.bias_hh = bias("bias_hh" + suffix);
      cell.reverse = reverse;
      cells_.push_back(std::move(cell));
    }
  }
}

LayerSpec Recurrent::spec() const {
  return LayerSpec(name_)
      .bare("hidden", options_.hidden)
      .option("layers", options_.layers, 1)
      .flag("bidirectional", options_.bidirectional)
      .flag("reverse", options_.reverse)
      .option("dropout", options_.dropout, real(0))
      .option("first_layer", options_.first_layer, 0);
}

Flow Recurrent::build(Graph& graph, Flow in) const {
  const std::size_t directions = options_.bidirectional ? 2 : 1;
  for (std::size_t first = 0; first < cells_.size(); first += directions) {
    if (first > 0 && options_.dropout > 0) {
      const Scope scope(graph, fmt::format("dropout_l{}", first / directions - 1));
      in.x = dropout(graph, in.x, options_.dropout);
    }
    std::vector<Value> features;
    for (std::size_t i = first; i < first + directions; ++i) {
      const Cell& cell = cells_[i];
      const RecurrentWeights weights{graph.parameter(cell.weight_ih), graph.parameter(cell.weight_hh),
                                     graph.parameter(cell.bias_ih), graph.parameter(cell.bias_hh)};
      features.push_back(op_(graph, in.x, weights, {.reverse = cell.reverse, .lengths = in.lengths}));
    }
    in.x = concatenate(graph, features, 2);
  }
  return in;
}

Lstm::Lstm(Options options) : Recurrent("lstm", {"i", "f", "g", "o"}, lstm, options) {}

Gru::Gru(Options options) : Recurrent("gru", {"r", "z", "n"}, gru, options) {}

namespace {

/// One direction, step by step. `next(row, h)`: the state after one of h, of the step's row W x + b; h is
/// none before the first.
template <class Next>
Value step_by_step(Graph& graph, Value x, const RecurrentWeights& w, const RecurrentOptions& options,
                   const Next& next) {
  constexpr Index kMostSteps = 1024;
  const Shape shape = x.shape();
  const Index steps = shape.rank() == 3 ? shape[1] : 0;
  if (steps < 1 || steps > kMostSteps || (options.reverse && options.lengths)) {
    throw Error(
        Fault::usage, "rnn",
        fmt::format("input {} must be (N,T,F) of 1 to {} steps{} (layer {})", shape.text(), kMostSteps,
                    options.lengths ? ", of one length where it is read backwards" : "", graph.label()));
  }
  const Value fed = dense(graph, x, w.weight_ih, w.bias_ih);
  const Index wide = fed.shape()[2];
  std::vector<Value> states(static_cast<std::size_t>(steps));
  Value h;
  for (Index i = 0; i < steps; ++i) {
    const Index t = options.reverse ? steps - 1 - i : i;
    const Value row = reshape(graph, slice(graph, fed, 1, t, t + 1), Shape{shape[0], wide});
    h = next(row, h);
    states[static_cast<std::size_t>(t)] = reshape(graph, h, Shape{shape[0], 1, h.shape()[1]});
  }
  const Value all = concatenate(graph, states, 1);
  return options.lengths ? mask_steps(graph, all, options.lengths) : all;
}

Value simple_rnn(Graph& graph, Value x, const RecurrentWeights& w, const RecurrentOptions& options,
                 Activation activation) {
  return step_by_step(graph, x, w, options, [&](Value row, Value h) {
    return activate(graph, activation,
                    add(graph, row, h ? dense(graph, h, w.weight_hh, w.bias_hh) : w.bias_hh));
  });
}

/// Gates r,z,n. The product for n is of all gates: a parameter is read as a whole.
Value reset_first_gru(Graph& graph, Value x, const RecurrentWeights& w, const RecurrentOptions& options) {
  const Index hidden = w.weight_hh.shape()[0];
  return step_by_step(graph, x, w, options, [&](Value row, Value h) {
    const auto gate = [&](Value all, Index which) {
      return slice(graph, all, 1, which * hidden, (which + 1) * hidden);
    };
    const Value gates = add(graph, row, h ? dense(graph, h, w.weight_hh, w.bias_hh) : w.bias_hh);
    const Value z = activate(graph, Activation::sigmoid, gate(gates, 1));
    if (!h) {
      const Value n = activate(graph, Activation::tanh, gate(gates, 2));
      return subtract(graph, n, multiply(graph, z, n));
    }
    const Value r = activate(graph, Activation::sigmoid, gate(gates, 0));
    const Value reset = dense(graph, multiply(graph, r, h), w.weight_hh, w.bias_hh);
    const Value n = activate(graph, Activation::tanh, add(graph, gate(row, 2), gate(reset, 2)));
    return add(graph, n, multiply(graph, z, subtract(graph, h, n)));
  });
}

Value rnn_tanh(Graph& graph, Value x, const RecurrentWeights& w, const RecurrentOptions& options) {
  return simple_rnn(graph, x, w, options, Activation::tanh);
}

Value rnn_relu(Graph& graph, Value x, const RecurrentWeights& w, const RecurrentOptions& options) {
  return simple_rnn(graph, x, w, options, Activation::relu);
}

}  // namespace

ResetFirstGru::ResetFirstGru(Options options)
    : Recurrent("gru_reset_first", {"r", "z", "n"}, reset_first_gru, options) {}

Rnn::Rnn(Options options, bool relu)
    : Recurrent(relu ? "rnn_relu" : "rnn", {"h"}, relu ? rnn_relu : rnn_tanh, options) {}

Flow LastStep::build(Graph& graph, Flow in) const {
  return {last_step(graph, in.x, in.lengths)};
}

}  // namespace firn
