// What recurrent layers are made of, whichever way they are computed.
#pragma once

#include "engine/graph/graph.h"

namespace firn {

/// The parameters of one direction of one layer, as PyTorch names them, transposed: weight_ih (I,G*H),
/// weight_hh (H,G*H), bias_ih and bias_hh (G*H), with the gates i,f,g,o (G = 4) or r,z,n (G = 3). With a
/// projection (H,P), of an LSTM alone, the state h has P numbers, and weight_hh is (P,G*H).
struct RecurrentWeights {
  Value weight_ih, weight_hh, bias_ih, bias_hh;
  Value projection = {};
};

/// What a cell remembers between two steps: h, and of an LSTM c. (N,H), or (H) where all samples have the
/// same.
struct RecurrentStates {
  Value h = {}, c = {};
};

struct RecurrentOptions {
  bool reverse = false;  ///< from the last step to the first
  Value lengths = {};  ///< (N) indices: valid steps of each sequence; beyond them the result is 0. None: all.
  RecurrentStates initial = {};     ///< before the first step; none: zero
  RecurrentStates* last = nullptr;  ///< gets those behind the last (valid) step, (N,H); for inference alone
};

}  // namespace firn
