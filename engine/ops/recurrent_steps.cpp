#include "engine/ops/recurrent_steps.h"

#include "engine/ops/activation.h"
#include "engine/ops/arithmetic.h"
#include "engine/ops/channel_scale.h"
#include "engine/ops/check.h"
#include "engine/ops/dense.h"
#include "engine/ops/last_step.h"
#include "engine/ops/rearrange.h"

namespace firn {

namespace {

/// State times weight, plus `bias` unless that is none: (N,columns), or (columns) for a state (H) that all
/// samples begin with.
Value state_product(Graph& graph, Value state, Value weight, Value bias = {}) {
  if (state.shape().rank() == 2) return dense(graph, state, weight, bias);
  const Value row = dense(graph, reshape(graph, state, Shape{1, state.shape()[0]}), weight, bias);
  return reshape(graph, row, Shape{weight.shape()[1]});
}

/// gate (N,H) times a state (N,H) or (H).
Value gated(Graph& graph, Value gate, Value state) {
  return state.shape().rank() == 2 ? multiply(graph, gate, state) : multiply_row(graph, gate, state);
}

/// The states of a direction's steps. `next(row, state)`: the state after one, of the step's row W x + b; the
/// values of `state` are none before the first where no initial ones are given.
template <class Next>
Value step_by_step(Graph& graph, Value x, const RecurrentWeights& w, Value bias,
                   const RecurrentOptions& options, const Next& next) {
  constexpr Index kMostSteps = 1024;
  const Shape shape = x.shape();
  const Index steps = shape.rank() == 3 ? shape[1] : 0;
  if (steps < 1 || steps > kMostSteps || (options.reverse && options.lengths)) {
    shape_error("rnn", graph.label(),
                fmt::format("input {} must be (N,T,F) of 1 to {} steps{}", shape.text(), kMostSteps,
                            options.lengths ? ", of one length where it is read backwards" : ""));
  }
  const Value fed = dense(graph, x, w.weight_ih, bias);
  const Index wide = fed.shape()[2];
  const auto as_step = [&](Value state) {
    return reshape(graph, state, Shape{shape[0], 1, state.shape()[1]});
  };
  std::vector<Value> hidden(static_cast<std::size_t>(steps)), cells(hidden.size());
  RecurrentStates state = options.initial;
  for (Index i = 0; i < steps; ++i) {
    const Index t = options.reverse ? steps - 1 - i : i;
    const Value row = reshape(graph, slice(graph, fed, 1, t, t + 1), Shape{shape[0], wide});
    state = next(row, state);
    hidden[static_cast<std::size_t>(t)] = as_step(state.h);
    if (state.c && options.last != nullptr) cells[static_cast<std::size_t>(t)] = as_step(state.c);
  }
  const Value all = concatenate(graph, hidden, 1);
  if (options.last != nullptr) {
    *options.last = state;
    if (options.lengths) {
      options.last->h = last_step(graph, all, options.lengths);
      if (state.c) options.last->c = last_step(graph, concatenate(graph, cells, 1), options.lengths);
    }
  }
  return options.lengths ? mask_steps(graph, all, options.lengths) : all;
}

}  // namespace

Value lstm_by_steps(Graph& graph, Value x, const RecurrentWeights& w, const RecurrentOptions& options) {
  const Index hidden = w.weight_hh.shape()[1] / 4;
  const Value bias = add(graph, w.bias_ih, w.bias_hh);
  return step_by_step(graph, x, w, bias, options, [&](Value row, const RecurrentStates& before) {
    const Value gates = before.h ? add(graph, row, state_product(graph, before.h, w.weight_hh)) : row;
    const auto gate = [&](Activation activation, Index which) {
      return activate(graph, activation, slice(graph, gates, 1, which * hidden, (which + 1) * hidden));
    };
    RecurrentStates after;
    after.c = multiply(graph, gate(Activation::sigmoid, 0), gate(Activation::tanh, 2));
    if (before.c) after.c = add(graph, gated(graph, gate(Activation::sigmoid, 1), before.c), after.c);
    after.h = multiply(graph, gate(Activation::sigmoid, 3), activate(graph, Activation::tanh, after.c));
    if (w.projection) after.h = dense(graph, after.h, w.projection);
    return after;
  });
}

Value gru_by_steps(Graph& graph, Value x, const RecurrentWeights& w, const RecurrentOptions& options) {
  const Index hidden = w.weight_hh.shape()[0];
  return step_by_step(graph, x, w, w.bias_ih, options, [&](Value row, const RecurrentStates& before) {
    const Value h = before.h;
    const auto gate = [&](Value all, Index first, Index last) {
      return slice(graph, all, 1, first * hidden, last * hidden);
    };
    // What the state adds to a gate, (N,H) or (H).
    const Value product = h ? state_product(graph, h, w.weight_hh, w.bias_hh) : w.bias_hh;
    const auto part = [&](Index which) {
      return slice(graph, product, product.shape().rank() - 1, which * hidden, (which + 1) * hidden);
    };
    const Value r = activate(graph, Activation::sigmoid, add(graph, gate(row, 0, 1), part(0)));
    const Value z = activate(graph, Activation::sigmoid, add(graph, gate(row, 1, 2), part(1)));
    const Value n = activate(graph, Activation::tanh, add(graph, gate(row, 2, 3), gated(graph, r, part(2))));
    const Value rest = subtract(graph, n, multiply(graph, z, n));
    return RecurrentStates{h ? add(graph, rest, gated(graph, z, h)) : rest, {}};
  });
}

Value simple_rnn(Graph& graph, Value x, const RecurrentWeights& w, const RecurrentOptions& options,
                 Activation activation) {
  return step_by_step(graph, x, w, w.bias_ih, options, [&](Value row, const RecurrentStates& before) {
    const Value added = before.h ? state_product(graph, before.h, w.weight_hh, w.bias_hh) : w.bias_hh;
    return RecurrentStates{activate(graph, activation, add(graph, row, added)), {}};
  });
}

Value gru_reset_first(Graph& graph, Value x, const RecurrentWeights& w, const RecurrentOptions& options) {
  const Index hidden = w.weight_hh.shape()[0];
  return step_by_step(graph, x, w, w.bias_ih, options, [&](Value row, const RecurrentStates& before) {
    const Value h = before.h;
    const auto gate = [&](Value all, Index which) {
      return slice(graph, all, 1, which * hidden, (which + 1) * hidden);
    };
    // The product for n is of all gates: a parameter is read as a whole.
    const Value gates = add(graph, row, h ? state_product(graph, h, w.weight_hh, w.bias_hh) : w.bias_hh);
    const Value z = activate(graph, Activation::sigmoid, gate(gates, 1));
    if (!h) {
      const Value n = activate(graph, Activation::tanh, gate(gates, 2));
      return RecurrentStates{subtract(graph, n, multiply(graph, z, n)), {}};
    }
    const Value r = activate(graph, Activation::sigmoid, gate(gates, 0));
    const Value reset = dense(graph, gated(graph, r, h), w.weight_hh, w.bias_hh);
    const Value n = activate(graph, Activation::tanh, add(graph, gate(row, 2), gate(reset, 2)));
    if (h.shape().rank() == 2)
      return RecurrentStates{add(graph, n, multiply(graph, z, subtract(graph, h, n))), {}};
    return RecurrentStates{add(graph, subtract(graph, n, multiply(graph, z, n)), gated(graph, z, h)), {}};
  });
}

}  // namespace firn
