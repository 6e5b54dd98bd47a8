// LSTM and GRU over sequences (N,T,F).
#pragma once

#include "engine/base/real.h"
#include "engine/kernels/matrix_unit.h"

namespace firn {

/// One direction of one layer over `n` sequences of `t` steps, `h` units.
struct RecurrentGeometry {
  Index t = 0, h = 0;
  bool reverse = false;  ///< from the last step to the first
};

/// A recurrent weight in the form that a kernel reads.
struct RecurrentWeight {
  const real* packed = nullptr;
  /// Null: products in fp32, by `pack` or `pack_transposed`. Else the unit makes them, of the state and the
  /// weight rounded to bf16, in the order of `MatrixKernels` for rows of h or of gates*h numbers, and the
  /// weight is packed as that wants it.
  const MatrixUnit* unit = nullptr;
};

/// The gates of a step are stored as (4,h) for LSTM: i, f, g, o; as (4,h) for GRU: r, z, n and the
/// recurrent part of n before r multiplies it. `lengths` (n), unless null, says how many steps of a
/// sequence are valid: beyond them h is 0, the state does not move, and nothing flows back.
/// A state before the first step is zero. Scratch: as many elements as `*_scratch` says.
struct RecurrentKernels {
  /// Elements of the packed recurrent weight: `gates`*h columns, gates interleaved by units.
  Index (*packed_count)(Index gates, Index h);
  /// Recurrent weight (h, gates*h), PyTorch's gate order along the columns, to the form that the forward
  /// reads.
  void (*pack)(Index gates, Index h, const real* weight, real* packed);
  /// The same weight to the form that the backward reads: products with its transpose.
  Index (*packed_transposed_count)(Index gates, Index h);
  void (*pack_transposed)(Index gates, Index h, const real* weight, real* packed);

  Index (*lstm_scratch)(const RecurrentGeometry& g, Index n);
  /// LSTM (Hochreiter and Schmidhuber 1997; PyTorch's nn.LSTM). `pre` (n,t,4h) = x * W_ih + b_ih + b_hh.
  /// i,f,o = sigmoid, g = tanh of pre_t + h_{t-1} * W_hh; c_t = f*c_{t-1} + i*g; h_t = o*tanh(c_t).
  /// hidden (n,t,h); gates (n,t,4h) and cell (n,t,h) for the backward, both null when nothing is kept.
  /// gates may be the memory of pre.
  void (*lstm_forward)(const RecurrentGeometry& g, Index n, const std::int32_t* lengths, const real* pre,
                       RecurrentWeight weight, real* hidden, real* gates, real* cell, real* scratch);
  /// dpre (n,t,4h) for dhidden (n,t,h). dpre may be the memory of gates.
  void (*lstm_backward)(const RecurrentGeometry& g, Index n, const std::int32_t* lengths, const real* dhidden,
                        const real* gates, const real* cell, RecurrentWeight transposed, real* dpre,
                        real* scratch);

  Index (*gru_scratch)(const RecurrentGeometry& g, Index n);
  /// GRU (Cho 2014; PyTorch's nn.GRU). `pre` (n,t,3h) = x * W_ih + b_ih; q = h_{t-1} * W_hh + b_hh (3h):
  /// r,z = sigmoid(pre + q); n = tanh(pre_n + r*q_n); h_t = (1-z)*n + z*h_{t-1}. gates (n,t,4h) null when
  /// nothing is kept.
  void (*gru_forward)(const RecurrentGeometry& g, Index n, const std::int32_t* lengths, const real* pre,
                      RecurrentWeight weight, const real* bias, real* hidden, real* gates, real* scratch);
  /// dpre (n,t,3h), the gradient of x * W_ih + b_ih, and dq (n,t,3h), that of h_{t-1} * W_hh + b_hh.
  void (*gru_backward)(const RecurrentGeometry& g, Index n, const std::int32_t* lengths, const real* dhidden,
                       const real* hidden, const real* gates, RecurrentWeight transposed, real* dpre,
                       real* dq, real* scratch);

  /// Elements of scratch that a call needs besides where a unit multiplies.
  Index (*unit_scratch)(Index gates, const RecurrentGeometry& g, Index n);
};

}  // namespace firn
