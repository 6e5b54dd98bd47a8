// Recurrent layers whose steps are operations of their own: slower than the cells of engine/ops/recurrent.h,
// for what these do not know.
#pragma once

#include "engine/kernels/activation.h"
#include "engine/ops/recurrent_weights.h"

namespace firn {

/// What `lstm` and `gru` say, of 1 to 1024 steps. Sequences of different lengths are read forwards alone.
Value lstm_by_steps(Graph& graph, Value x, const RecurrentWeights& weights, const RecurrentOptions& options);
Value gru_by_steps(Graph& graph, Value x, const RecurrentWeights& weights, const RecurrentOptions& options);

/// h (N,T,H) from x (N,T,I), torch.nn.RNN: h' = f(W x + b + U h + c); one gate, tanh or ReLU.
Value simple_rnn(Graph& graph, Value x, const RecurrentWeights& weights, const RecurrentOptions& options,
                 Activation activation);

/// The GRU of Cho et al. 2014, equation 8, whose reset gate comes before the product: n = tanh(W x + b + U (r
/// h) + c) where torch.nn.GRU has r (U h + c).
Value gru_reset_first(Graph& graph, Value x, const RecurrentWeights& weights,
                      const RecurrentOptions& options);

}  // namespace firn
