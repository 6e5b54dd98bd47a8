#pragma once

#include "engine/ops/last_step.h"
#include "engine/ops/recurrent_weights.h"

namespace firn {

/// h (N,T,H) from x (N,T,I): an LSTM (Hochreiter and Schmidhuber 1997; torch.nn.LSTM; its projections Sak et
/// al. 2014). Keeps h, the gates and the cells: 6*H numbers a step; x when weight_ih trains. With initial
/// states or a projection each step is operations of its own (engine/ops/recurrent_steps.h).
Value lstm(Graph& graph, Value x, const RecurrentWeights& weights, const RecurrentOptions& options = {});

/// The same for a GRU (Cho 2014; torch.nn.GRU).
Value gru(Graph& graph, Value x, const RecurrentWeights& weights, const RecurrentOptions& options = {});

}  // namespace firn
