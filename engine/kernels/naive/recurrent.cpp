#include "engine/kernels/recurrent.h"

#include <cmath>

#include "engine/kernels/bf16.h"
#include "engine/kernels/naive/unit_sum.h"

namespace firn::naive {

extern const Bf16Kernels bf16;

namespace {

real sigmoid(real x) {
  return 1 / (1 + std::exp(-x));
}

Index weight_count(Index gates, Index h) {
  return gates * h * h;
}

void copy_weight(Index gates, Index h, const real* weight, real* packed) {
  for (Index i = 0; i < gates * h * h; ++i) packed[i] = weight[i];
}

/// The steps of one sequence in the order in which the state goes through them.
struct Steps {
  Index valid;
  bool reverse;

  Steps(const RecurrentGeometry& g, const std::int32_t* lengths, Index n)
      : valid(lengths != nullptr ? lengths[n] : g.t), reverse(g.reverse) {}
  /// The place in memory of the s-th step, s in [0, valid).
  Index place(Index s) const { return reverse ? valid - 1 - s : s; }
};

void zero_invalid(const Steps& steps, Index t, Index width, real* sequence) {
  if (sequence == nullptr) return;
  for (Index i = steps.valid * width; i < t * width; ++i) sequence[i] = 0;
}

/// sums (columns) += row (depth) * weight (depth, columns), whose rows and columns are `across` and `along`
/// elements apart
void add_product(const RecurrentWeight& weight, Index depth, Index columns, Index across, Index along,
                 const real* row, real* sums) {
  if (weight.unit == nullptr) {
    for (Index k = 0; k < depth; ++k) {
      for (Index j = 0; j < columns; ++j) sums[j] += row[k] * weight.packed[k * across + j * along];
    }
    return;
  }
  // Packed as it is multiplied, and rounded.
  for (Index j = 0; j < columns; ++j) {
    UnitSum sum(*weight.unit);
    for (Index k = 0; k < depth; ++k) {
      real rounded = 0;
      bf16.round(1, row + k, &rounded);
      sum.add(flushed(static_cast<float>(rounded)),
              flushed(static_cast<float>(weight.packed[k * columns + j])));
    }
    sum.fill_up();
    sums[j] += sum.total();
  }
}

/// q (columns) += state (h) * weight (h, columns)
void add_product(Index h, Index columns, const real* state, const RecurrentWeight& weight, real* q) {
  add_product(weight, h, columns, columns, 1, state, q);
}

/// state (h) += q (columns) * transpose of weight (h, columns)
void add_transposed_product(Index h, Index columns, const real* q, const RecurrentWeight& weight,
                            real* state) {
  add_product(weight, columns, h, 1, columns, q, state);
}

Index lstm_scratch(const RecurrentGeometry& g, Index) {
  return 6 * g.h;
}

void lstm_forward(const RecurrentGeometry& g, Index n, const std::int32_t* lengths, const real* pre,
                  RecurrentWeight packed, real* hidden, real* gates, real* cell, real* scratch) {
  const Index h = g.h;
  real* const q = scratch;
  real* const c = scratch + 4 * h;
  for (Index b = 0; b < n; ++b) {
    const Steps steps(g, lengths, b);
    for (Index u = 0; u < h; ++u) c[u] = 0;
    for (Index s = 0; s < steps.valid; ++s) {
      const Index at = b * g.t + steps.place(s);
      for (Index j = 0; j < 4 * h; ++j) q[j] = pre[at * 4 * h + j];
      if (s > 0) add_product(h, 4 * h, hidden + (b * g.t + steps.place(s - 1)) * h, packed, q);
      for (Index u = 0; u < h; ++u) {
        const real gate[] = {sigmoid(q[u]), sigmoid(q[h + u]), std::tanh(q[2 * h + u]),
                             sigmoid(q[3 * h + u])};
        c[u] = gate[1] * c[u] + gate[0] * gate[2];
        hidden[at * h + u] = gate[3] * std::tanh(c[u]);
        if (cell != nullptr) cell[at * h + u] = c[u];
        for (Index k = 0; k < 4 && gates != nullptr; ++k) gates[(at * 4 + k) * h + u] = gate[k];
      }
    }
    zero_invalid(steps, g.t, h, hidden + b * g.t * h);
    if (cell != nullptr) zero_invalid(steps, g.t, h, cell + b * g.t * h);
    if (gates != nullptr) zero_invalid(steps, g.t, 4 * h, gates + b * g.t * 4 * h);
  }
}

void lstm_backward(const RecurrentGeometry& g, Index n, const std::int32_t* lengths, const real* dhidden,
                   const real* gates, const real* cell, RecurrentWeight packed_transposed, real* dpre,
                   real* scratch) {
  const Index h = g.h;
  real* const dh = scratch;
  real* const dc = scratch + h;
  for (Index b = 0; b < n; ++b) {
    const Steps steps(g, lengths, b);
    for (Index u = 0; u < 2 * h; ++u) scratch[u] = 0;
    for (Index s = steps.valid - 1; s >= 0; --s) {
      const Index at = b * g.t + steps.place(s);
      const real* before = s > 0 ? cell + (b * g.t + steps.place(s - 1)) * h : nullptr;
      const real* gate = gates + at * 4 * h;
      real* d = dpre + at * 4 * h;
      for (Index u = 0; u < h; ++u) {
        const real i = gate[u], f = gate[h + u], z = gate[2 * h + u], o = gate[3 * h + u];
        const real out = std::tanh(cell[at * h + u]);
        const real dhu = dh[u] + dhidden[at * h + u];
        const real dcu = dc[u] + dhu * o * (1 - out * out);
        d[u] = dcu * z * i * (1 - i);
        d[h + u] = dcu * (before != nullptr ? before[u] : real(0)) * f * (1 - f);
        d[2 * h + u] = dcu * i * (1 - z * z);
        d[3 * h + u] = dhu * out * o * (1 - o);
        dc[u] = dcu * f;
        dh[u] = 0;
      }
      add_transposed_product(h, 4 * h, d, packed_transposed, dh);
    }
    zero_invalid(steps, g.t, 4 * h, dpre + b * g.t * 4 * h);
  }
}

Index gru_scratch(const RecurrentGeometry& g, Index) {
  return 3 * g.h;
}

void gru_forward(const RecurrentGeometry& g, Index n, const std::int32_t* lengths, const real* pre,
                 RecurrentWeight packed, const real* bias, real* hidden, real* gates, real* scratch) {
  const Index h = g.h;
  real* const q = scratch;
  for (Index b = 0; b < n; ++b) {
    const Steps steps(g, lengths, b);
    for (Index s = 0; s < steps.valid; ++s) {
      const Index at = b * g.t + steps.place(s);
      const real* before = s > 0 ? hidden + (b * g.t + steps.place(s - 1)) * h : nullptr;
      for (Index j = 0; j < 3 * h; ++j) q[j] = bias[j];
      if (before != nullptr) add_product(h, 3 * h, before, packed, q);
      const real* p = pre + at * 3 * h;
      for (Index u = 0; u < h; ++u) {
        const real r = sigmoid(p[u] + q[u]);
        const real z = sigmoid(p[h + u] + q[h + u]);
        const real candidate = std::tanh(p[2 * h + u] + r * q[2 * h + u]);
        hidden[at * h + u] = (1 - z) * candidate + z * (before != nullptr ? before[u] : real(0));
        const real gate[] = {r, z, candidate, q[2 * h + u]};
        for (Index k = 0; k < 4 && gates != nullptr; ++k) gates[(at * 4 + k) * h + u] = gate[k];
      }
    }
    zero_invalid(steps, g.t, h, hidden + b * g.t * h);
    if (gates != nullptr) zero_invalid(steps, g.t, 4 * h, gates + b * g.t * 4 * h);
  }
}

void gru_backward(const RecurrentGeometry& g, Index n, const std::int32_t* lengths, const real* dhidden,
                  const real* hidden, const real* gates, RecurrentWeight packed_transposed, real* dpre,
                  real* dq, real* scratch) {
  const Index h = g.h;
  real* const dh = scratch;
  for (Index b = 0; b < n; ++b) {
    const Steps steps(g, lengths, b);
    for (Index u = 0; u < h; ++u) dh[u] = 0;
    for (Index s = steps.valid - 1; s >= 0; --s) {
      const Index at = b * g.t + steps.place(s);
      const real* before = s > 0 ? hidden + (b * g.t + steps.place(s - 1)) * h : nullptr;
      const real* gate = gates + at * 4 * h;
      real* dp = dpre + at * 3 * h;
      real* d = dq + at * 3 * h;
      for (Index u = 0; u < h; ++u) {
        const real r = gate[u], z = gate[h + u], candidate = gate[2 * h + u], recurrent = gate[3 * h + u];
        const real dhu = dh[u] + dhidden[at * h + u];
        const real dn = dhu * (1 - z) * (1 - candidate * candidate);
        dp[u] = d[u] = dn * recurrent * r * (1 - r);
        dp[h + u] = d[h + u] = dhu * ((before != nullptr ? before[u] : real(0)) - candidate) * z * (1 - z);
        dp[2 * h + u] = dn;
        d[2 * h + u] = dn * r;
        dh[u] = dhu * z;
      }
      add_transposed_product(h, 3 * h, d, packed_transposed, dh);
    }
    zero_invalid(steps, g.t, 3 * h, dpre + b * g.t * 3 * h);
    zero_invalid(steps, g.t, 3 * h, dq + b * g.t * 3 * h);
  }
}

Index unit_scratch(Index, const RecurrentGeometry&, Index) {
  return 0;
}

}  // namespace

extern const RecurrentKernels recurrent;
const RecurrentKernels recurrent{weight_count, copy_weight,  weight_count,  copy_weight,
                                 lstm_scratch, lstm_forward, lstm_backward, gru_scratch,
                                 gru_forward,  gru_backward, unit_scratch};

}  // namespace firn::naive
