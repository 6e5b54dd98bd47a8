#include <algorithm>
#include <cmath>

#include "engine/kernels/norm.h"

namespace firn::naive {

namespace {

/// w[c] * target[c]: what the log-probability of class c weighs in the loss of a row.
real share(const CrossEntropy& rule, Index columns, std::int32_t label, Index c) {
  const real target =
      (c == label ? 1 - rule.smoothing : real(0)) + rule.smoothing / static_cast<real>(columns);
  return target * (rule.class_weights != nullptr ? rule.class_weights[c] : real(1));
}

void cross_entropy(const CrossEntropy& rule, Index rows, Index columns, const real* x,
                   const std::int32_t* labels, real* losses, real* weights, real* probabilities) {
  for (Index r = 0; r < rows; ++r) {
    const real* row = x + r * columns;
    const real top = *std::max_element(row, row + columns);
    real total = 0;
    for (Index c = 0; c < columns; ++c) total += std::exp(row[c] - top);
    const real log_total = std::log(total) + top;
    if (probabilities != nullptr) {
      for (Index c = 0; c < columns; ++c) probabilities[r * columns + c] = std::exp(row[c] - log_total);
    }
    real loss = 0;
    if (labels[r] >= 0) {
      for (Index c = 0; c < columns; ++c) {
        const real s = share(rule, columns, labels[r], c);
        if (s != 0) loss += s * (log_total - row[c]);
      }
    }
    if (losses != nullptr) losses[r] = loss;
    if (weights != nullptr) {
      weights[r] = labels[r] < 0                   ? real(0)
                   : rule.class_weights != nullptr ? rule.class_weights[labels[r]]
                                                   : real(1);
    }
  }
}
void cross_entropy_gradient(const CrossEntropy& rule, Index rows, Index columns, const real* probabilities,
                            const std::int32_t* labels, const real* dlosses, real* dx) {
  for (Index r = 0; r < rows; ++r) {
    real total = 0;
    if (labels[r] >= 0) {
      for (Index c = 0; c < columns; ++c) total += share(rule, columns, labels[r], c);
    }
    for (Index c = 0; c < columns; ++c) {
      const Index i = r * columns + c;
      dx[i] = labels[r] < 0 ? real(0)
                            : dlosses[r] * (probabilities[i] * total - share(rule, columns, labels[r], c));
    }
  }
}
void binary_cross_entropy(Index count, const real* x, const real* target, real* losses) {
  for (Index i = 0; i < count; ++i) {
    losses[i] = std::max(x[i], real(0)) - x[i] * target[i] + std::log1p(std::exp(-std::abs(x[i])));
  }
}
void binary_cross_entropy_gradient(Index count, const real* x, const real* target, const real* dlosses,
                                   real* dx) {
  for (Index i = 0; i < count; ++i) dx[i] = dlosses[i] * (1 / (1 + std::exp(-x[i])) - target[i]);
}

}  // namespace

extern const LossKernels loss;
const LossKernels loss{cross_entropy, cross_entropy_gradient, binary_cross_entropy,
                       binary_cross_entropy_gradient};

}  // namespace firn::naive
