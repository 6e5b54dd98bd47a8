#include "layers/recurrent.h"

#include <fmt/core.h>

#include <cmath>

#include "engine/base/error.h"
#include "engine/base/glob.h"
#include "engine/ops/dropout.h"
#include "engine/ops/rearrange.h"
#include "engine/ops/recurrent_steps.h"

namespace firn {

Recurrent::Recurrent(std::string name, const std::vector<std::string>& gates, Op op, Options options)
    : name_(std::move(name)), op_(op), options_(options) {
  if (options_.in < 1 || options_.hidden < 1 || options_.layers < 1) {
    throw Error(Fault::usage, name_,
                fmt::format("{} inputs, {} hidden units, {} layers: each is wanted from 1", options_.in,
                            options_.hidden, options_.layers));
  }
  if (options_.bidirectional && options_.reverse) {
    throw Error(Fault::usage, name_, "reverse is one direction, bidirectional both");
  }
  if (options_.projection != 0 &&
      (name_ != "lstm" || options_.projection < 1 || options_.projection >= options_.hidden)) {
    throw Error(Fault::usage, name_,
                fmt::format("projects {} hidden units to {}: an LSTM may, to 1 up to all but one",
                            options_.hidden, options_.projection));
  }
  const Index hidden = options_.hidden;
  const Index state = state_size();
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
    const Index in = layer == 0 ? options_.in : directions * state;
    for (int direction = 0; direction < directions; ++direction) {
      const bool reverse = options_.reverse || direction == 1;
      const std::string suffix =
          fmt::format("_l{}{}", options_.first_layer + layer, reverse ? "_reverse" : "");
      Cell cell;
      cell.weight_ih = weight("weight_ih" + suffix, in);
      cell.weight_hh = weight("weight_hh" + suffix, state);
      cell.bias_ih = bias("bias_ih" + suffix);
      cell.bias_hh = bias("bias_hh" + suffix);
      if (options_.projection > 0) {
        cell.weight_hr = own("weight_hr" + suffix, Shape{hidden, state}, Role::weight,
                             {Fill::Kind::uniform, bound, hidden, state, true},
                             {Shape{state, hidden}, Shape{state, hidden}, {1, 0}});
      }
      if (options_.initial) cell.h0 = own("h0" + suffix, Shape{state}, Role::bias, {});
      if (options_.initial && name_ == "lstm") cell.c0 = own("c0" + suffix, Shape{hidden}, Role::bias, {});
      cell.reverse = reverse;
      cell.suffix = suffix;
      cells_.push_back(std::move(cell));
    }
  }
}

std::vector<Recurrent::StateCell> Recurrent::states() const {
  std::vector<StateCell> all;
  for (const Cell& cell : cells_) {
    all.push_back({"h" + cell.suffix, false, state_size(), cell.h0});
    if (name_ == "lstm") all.push_back({"c" + cell.suffix, true, options_.hidden, cell.c0});
  }
  return all;
}

LayerSpec Recurrent::spec() const {
  return LayerSpec(name_)
      .bare("hidden", options_.hidden)
      .option("layers", options_.layers, 1)
      .flag("bidirectional", options_.bidirectional)
      .flag("reverse", options_.reverse)
      .option("dropout", options_.dropout, real(0))
      .option("first_layer", options_.first_layer, 0)
      .option("projection", options_.projection, 0)
      .flag("initial", options_.initial);
}

Flow Recurrent::build(Graph& graph, Flow in) const {
  const std::size_t directions = options_.bidirectional ? 2 : 1;
  const auto given = [&](const ParameterPtr& parameter) {
    return parameter ? graph.parameter(parameter) : Value{};
  };
  for (std::size_t first = 0; first < cells_.size(); first += directions) {
    if (first > 0 && options_.dropout > 0) {
      const Scope scope(graph, fmt::format("dropout_l{}", first / directions - 1));
      in.x = dropout(graph, in.x, options_.dropout);
    }
    std::vector<Value> features;
    for (std::size_t i = first; i < first + directions; ++i) {
      const Cell& cell = cells_[i];
      const RecurrentWeights weights{graph.parameter(cell.weight_ih), graph.parameter(cell.weight_hh),
                                     graph.parameter(cell.bias_ih), graph.parameter(cell.bias_hh),
                                     given(cell.weight_hr)};
      RecurrentOptions options{
          .reverse = cell.reverse, .lengths = in.lengths, .initial = {given(cell.h0), given(cell.c0)}};
      const auto named = [&](const char* which) { return dotted(graph.label(), which + cell.suffix); };
      if (graph.options().initial_states) {
        const Index samples = in.x.shape()[0], units = options_.hidden;
        options.initial.h = graph.feed(named("h"), Shape{samples, state_size()});
        if (name_ == "lstm") options.initial.c = graph.feed(named("c"), Shape{samples, units});
      }
      RecurrentStates last;
      if (graph.options().last_states) options.last = &last;
      features.push_back(op_(graph, in.x, weights, options));
      if (last.h) graph.output(named("h"), last.h);
      if (last.c) graph.output(named("c"), last.c);
    }
    in.x = concatenate(graph, features, 2);
  }
  return in;
}

Lstm::Lstm(Options options) : Recurrent("lstm", {"i", "f", "g", "o"}, lstm, options) {}

Gru::Gru(Options options) : Recurrent("gru", {"r", "z", "n"}, gru, options) {}

namespace {

Value rnn_tanh(Graph& graph, Value x, const RecurrentWeights& w, const RecurrentOptions& options) {
  return simple_rnn(graph, x, w, options, Activation::tanh);
}

Value rnn_relu(Graph& graph, Value x, const RecurrentWeights& w, const RecurrentOptions& options) {
  return simple_rnn(graph, x, w, options, Activation::relu);
}

}  // namespace

ResetFirstGru::ResetFirstGru(Options options)
    : Recurrent("gru_reset_first", {"r", "z", "n"}, gru_reset_first, options) {}

Rnn::Rnn(Options options, bool relu)
    : Recurrent(relu ? "rnn_relu" : "rnn", {"h"}, relu ? rnn_relu : rnn_tanh, options) {}

Flow LastStep::build(Graph& graph, Flow in) const {
  return {last_step(graph, in.x, in.lengths)};
}

}  // namespace firn
