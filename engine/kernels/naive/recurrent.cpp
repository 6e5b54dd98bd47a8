#include "engine/kernels/recurrent.h"

#include <algorithm>
#include <cmath>

namespace firn::naive {

namespace {

real sigmoid(real x) {
  return 1 / (1 + std::exp(-x));
}

Index packed_count(Index gates, Index h) {
  return gates * h * h;
}
void pack(Index gates, Index h, const real* weight, real* packed) {
  std::copy_n(weight, gates * h * h, packed);
}

/// The step that comes s-th, and whether sequence n is valid there.
Index place(const RecurrentGeometry& g, Index s) {
  return g.reverse ? g.t - 1 - s : s;
}
bool valid(const std::int32_t* lengths, Index n, Index t) {
  return lengths == nullptr || t < lengths[n];
}

/// out[j] = (bias ? bias[j] : 0) + sum_k state[k] * weight[k, j]
void recurrent_product(Index h, Index columns, const real* state, const real* weight, const real* bias,
                       real* out) {
  for (Index j = 0; j < columns; ++j) {
    real total = bias != nullptr ? bias[j] : 0;
    for (Index k = 0; k < h; ++k) total += state[k] * weight[k * columns + j];
    out[j] = total;
  }
}
/// out[k] += sum_j d[j] * weight[k, j]
void transposed_product(Index h, Index columns, const real* d, const real* weight, real* out) {
  for (Index k = 0; k < h; ++k) {
    real total = 0;
    for (Index j = 0; j < columns; ++j) total += d[j] * weight[k * columns + j];
    out[k] += total;
  }
}

Index lstm_scratch(const RecurrentGeometry& g, Index) {
  return 6 * g.h;
}

void lstm_forward(const RecurrentGeometry& g, Index n, const std::int32_t* lengths, const real* pre,
                  const real* packed, real* hidden, real* gates, real* cell, real* scratch) {
  const Index h = g.h;
  real* q = scratch;
  real* h_state = scratch + 4 * h;
  real* c_state = scratch + 5 * h;
  for (Index b = 0; b < n; ++b) {
    std::fill_n(h_state, 2 * h, real(0));
    for (Index s = 0; s < g.t; ++s) {
      const Index at = b * g.t + place(g, s);
      const bool live = valid(lengths, b, place(g, s));
      recurrent_product(h, 4 * h, h_state, packed, nullptr, q);
      for (Index u = 0; u < h; ++u) {
        const real* z = pre + at * 4 * h;
        const real i = live ? sigmoid(z[u] + q[u]) : real(0);
        const real f = live ? sigmoid(z[h + u] + q[h + u]) : real(0);
        const real c = live ? std::tanh(z[2 * h + u] + q[2 * h + u]) : real(0);
        const real o = live ? sigmoid(z[3 * h + u] + q[3 * h + u]) : real(0);
        if (live) {
          c_state[u] = f * c_state[u] + i * c;
          h_state[u] = o * std::tanh(c_state[u]);
        }
        if (gates != nullptr) {
          real* to = gates + at * 4 * h;
          to[u] = i;
          to[h + u] = f;
          to[2 * h + u] = c;
          to[3 * h + u] = o;
        }
        if (cell != nullptr) cell[at * h + u] = live ? c_state[u] : real(0);
        hidden[at * h + u] = live ? h_state[u] : real(0);
      }
    }
  }
}

void lstm_backward(const RecurrentGeometry& g, Index n, const std::int32_t* lengths, const real* dhidden,
                   const real* gates, const real* cell, const real* packed, real* dpre, real* scratch) {
  const Index h = g.h;
  real* dh = scratch;
  real* dc = scratch + h;
  for (Index b = 0; b < n; ++b) {
    std::fill_n(dh, 2 * h, real(0));
    for (Index s = g.t - 1; s >= 0; --s) {
      const Index t = place(g, s);
      const Index at = b * g.t + t;
      real* d = dpre + at * 4 * h;
      if (!valid(lengths, b, t)) {
        std::fill_n(d, 4 * h, real(0));
        continue;
      }
      const Index before = b * g.t + (s > 0 ? place(g, s - 1) : 0);
      const bool first = s == 0 || !valid(lengths, b, place(g, s - 1));
      const real* gate = gates + at * 4 * h;
      for (Index u = 0; u < h; ++u) {
        const real i = gate[u];
        const real f = gate[h + u];
        const real c = gate[2 * h + u];
        const real o = gate[3 * h + u];
        const real squashed = std::tanh(cell[at * h + u]);
        const real dh_u = dhidden[at * h + u] + dh[u];
        const real dc_u = dc[u] + dh_u * o * (1 - squashed * squashed);
        const real previous = first ? real(0) : cell[before * h + u];
        d[u] = dc_u * c * i * (1 - i);
        d[h + u] = dc_u * previous * f * (1 - f);
        d[2 * h + u] = dc_u * i * (1 - c * c);
        d[3 * h + u] = dh_u * squashed * o * (1 - o);
        dc[u] = dc_u * f;
        dh[u] = 0;
      }
      transposed_product(h, 4 * h, d, packed, dh);
    }
  }
}

Index gru_scratch(const RecurrentGeometry& g, Index) {
  return 4 * g.h;
}

void gru_forward(const RecurrentGeometry& g, Index n, const std::int32_t* lengths, const real* pre,
                 const real* packed, const real* bias, real* hidden, real* gates, real* scratch) {
  const Index h = g.h;
  real* q = scratch;
  real* h_state = scratch + 3 * h;
  for (Index b = 0; b < n; ++b) {
    std::fill_n(h_state, h, real(0));
    for (Index s = 0; s < g.t; ++s) {
      const Index at = b * g.t + place(g, s);
      const bool live = valid(lengths, b, place(g, s));
      recurrent_product(h, 3 * h, h_state, packed, bias, q);
      for (Index u = 0; u < h; ++u) {
        const real* p = pre + at * 3 * h;
        const real r = live ? sigmoid(p[u] + q[u]) : real(0);
        const real z = live ? sigmoid(p[h + u] + q[h + u]) : real(0);
        const real c = live ? std::tanh(p[2 * h + u] + r * q[2 * h + u]) : real(0);
        if (live) h_state[u] = (1 - z) * c + z * h_state[u];
        if (gates != nullptr) {
          real* to = gates + at * 4 * h;
          to[u] = r;
          to[h + u] = z;
          to[2 * h + u] = c;
          to[3 * h + u] = live ? q[2 * h + u] : real(0);
        }
        hidden[at * h + u] = live ? h_state[u] : real(0);
      }
    }
  }
}

void gru_backward(const RecurrentGeometry& g, Index n, const std::int32_t* lengths, const real* dhidden,
                  const real* hidden, const real* gates, const real* packed, real* dpre, real* dq,
                  real* scratch) {
  const Index h = g.h;
  real* dh = scratch;
  for (Index b = 0; b < n; ++b) {
    std::fill_n(dh, h, real(0));
    for (Index s = g.t - 1; s >= 0; --s) {
      const Index t = place(g, s);
      const Index at = b * g.t + t;
      real* dp = dpre + at * 3 * h;
      real* d = dq + at * 3 * h;
      if (!valid(lengths, b, t)) {
        std::fill_n(dp, 3 * h, real(0));
        std::fill_n(d, 3 * h, real(0));
        continue;
      }
      const Index before = b * g.t + (s > 0 ? place(g, s - 1) : 0);
      const bool first = s == 0 || !valid(lengths, b, place(g, s - 1));
      const real* gate = gates + at * 4 * h;
      for (Index u = 0; u < h; ++u) {
        const real r = gate[u];
        const real z = gate[h + u];
        const real c = gate[2 * h + u];
        const real dh_u = dhidden[at * h + u] + dh[u];
        const real previous = first ? real(0) : hidden[before * h + u];
        const real dn = dh_u * (1 - z) * (1 - c * c);
        dp[u] = dn * gate[3 * h + u] * r * (1 - r);
        dp[h + u] = dh_u * (previous - c) * z * (1 - z);
        dp[2 * h + u] = dn;
        d[u] = dp[u];
        d[h + u] = dp[h + u];
        d[2 * h + u] = dn * r;
        dh[u] = dh_u * z;
      }
      transposed_product(h, 3 * h, d, packed, dh);
    }
  }
}

}  // namespace

extern const RecurrentKernels recurrent;
const RecurrentKernels recurrent{packed_count, pack,          packed_count, pack,        lstm_scratch,
                                 lstm_forward, lstm_backward, gru_scratch,  gru_forward, gru_backward};

}  // namespace firn::naive
