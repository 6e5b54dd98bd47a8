#include <cmath>

#include "engine/kernels/norm.h"

namespace firn::naive {

namespace {

/// w[c] * target[c] of a row.
double weighted_target(const CrossEntropy& rule, Index columns, Index label, Index c) {
  const double weight = rule.class_weights != nullptr ? rule.class_weights[c] : 1;
  const double smoothing = rule.smoothing;
  return weight * ((c == label ? 1 - smoothing : 0) + smoothing / static_cast<double>(columns));
}

void cross_entropy(const CrossEntropy& rule, Index rows, Index columns, const real* x,
                   const std::int32_t* labels, real* losses, real* weights, real* probabilities) {
  for (Index r = 0; r < rows; ++r) {
    const real* row = x + r * columns;
    const Index label = labels[r];
    double top = columns > 0 ? row[0] : 0;
    for (Index c = 1; c < columns; ++c) top = row[c] > top ? row[c] : top;
    double sum = 0;
    for (Index c = 0; c < columns; ++c) sum += std::exp(row[c] - top);
    double loss = 0;
    for (Index c = 0; c < columns && label >= 0; ++c) {
      const double target = weighted_target(rule, columns, label, c);
      if (target != 0) loss -= target * (row[c] - top - std::log(sum));
    }
    losses[r] = static_cast<real>(loss);
    weights[r] = label < 0 ? real(0) : rule.class_weights != nullptr ? rule.class_weights[label] : real(1);
    if (probabilities == nullptr) continue;
    for (Index c = 0; c < columns; ++c) {
      probabilities[r * columns + c] = static_cast<real>(std::exp(row[c] - top) / sum);
    }
  }
}

void cross_entropy_gradient(const CrossEntropy& rule, Index rows, Index columns, const real* probabilities,
                            const std::int32_t* labels, const real* dlosses, real* dx) {
  for (Index r = 0; r < rows; ++r) {
    const Index label = labels[r];
    double total = 0;
    for (Index c = 0; c < columns && label >= 0; ++c) total += weighted_target(rule, columns, label, c);
    for (Index c = 0; c < columns; ++c) {
      const Index i = r * columns + c;
      const double slope =
          label < 0 ? 0 : probabilities[i] * total - weighted_target(rule, columns, label, c);
      dx[i] = label < 0 ? real(0) : static_cast<real>(dlosses[r] * slope);
    }
  }
}

void binary_cross_entropy(Index count, const real* x, const real* target, real* losses) {
  for (Index i = 0; i < count; ++i) {
    losses[i] = (x[i] > 0 ? x[i] : real(0)) - x[i] * target[i] + std::log1p(std::exp(-std::abs(x[i])));
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
