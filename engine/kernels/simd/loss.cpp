#include "engine/kernels/norm.h"
#include "engine/kernels/simd/map.h"
#include "engine/kernels/simd/transcendental.h"

namespace firn::FIRN_ISA_SPACE {

namespace {

float weight_of(const CrossEntropy& rule, Index c) {
  return rule.class_weights != nullptr ? rule.class_weights[c] : 1;
}

/// The part of a class's weighted target that every row has.
double uniform_target(const CrossEntropy& rule, Index columns) {
  return static_cast<double>(rule.smoothing) / static_cast<double>(columns);
}

double sum_of_weights(const CrossEntropy& rule, Index columns) {
  if (rule.class_weights == nullptr) return static_cast<double>(columns);
  return sum_vectors(columns, [&](Index i, auto lanes) { return load(rule.class_weights + i, lanes); });
}

/// sum_c w[c] * (top - x[c])
double weighted_depth(const CrossEntropy& rule, Index columns, const float* x, float top) {
  return sum_vectors(columns, [&](Index i, auto lanes) {
    const Vec depth = keep(top - load(x + i, lanes), lanes, 0);
    return rule.class_weights != nullptr ? depth * load(rule.class_weights + i, lanes) : depth;
  });
}

void cross_entropy(const CrossEntropy& rule, Index rows, Index columns, const float* x,
                   const std::int32_t* labels, float* losses, float* weights, float* probabilities) {
  const double uniform = rule.smoothing != 0 ? uniform_target(rule, columns) : 0;
  const double all_weights = sum_of_weights(rule, columns);
  for (Index r = 0; r < rows; ++r) {
    const float* const row = x + r * columns;
    float* const out = probabilities != nullptr ? probabilities + r * columns : nullptr;
    const Index label = labels[r];
    const float top = largest(columns, row);
    losses[r] = 0;
    weights[r] = label < 0 ? 0 : weight_of(rule, label);
    if (out == nullptr && label < 0) continue;
    // Before the probabilities, which may be written over the row.
    const double depth = label < 0 ? 0 : static_cast<double>(top) - static_cast<double>(row[label]);
    const double depths = label < 0 || uniform == 0 ? 0 : uniform * weighted_depth(rule, columns, row, top);
    const double sum = sum_vectors(columns, [&](Index i, auto lanes) {
      const Vec e = keep(exp(load(row + i, lanes) - top), lanes, 0);
      if (out != nullptr) store(out + i, e, lanes);
      return e;
    });
    if (out != nullptr) {
      const auto scale = static_cast<float>(1 / sum);
      map(
          columns, out, [&](Vec e) { return e * scale; }, out);
    }
    if (label < 0) continue;
    const double log_sum = __builtin_log(sum);
    const double own = (1 - static_cast<double>(rule.smoothing)) * static_cast<double>(weights[r]);
    double loss = own != 0 ? own * (depth + log_sum) : 0;
    if (uniform != 0) loss += depths + uniform * all_weights * log_sum;
    losses[r] = static_cast<float>(loss);
  }
}

void cross_entropy_gradient(const CrossEntropy& rule, Index rows, Index columns, const float* probabilities,
                            const std::int32_t* labels, const float* dlosses, float* dx) {
  const double uniform = rule.smoothing != 0 ? uniform_target(rule, columns) : 0;
  const double all_weights = sum_of_weights(rule, columns);
  for (Index r = 0; r < rows; ++r) {
    const float* const row = probabilities + r * columns;
    float* const out = dx + r * columns;
    const Index label = labels[r];
    if (label < 0) {
      zero_floats(columns, out);
      continue;
    }
    const auto weight = static_cast<double>(weight_of(rule, label));
    const double own = (1 - static_cast<double>(rule.smoothing)) * weight;
    const double total = own + uniform * all_weights;
    const double at_label =
        static_cast<double>(dlosses[r]) * (static_cast<double>(row[label]) * total - own - uniform * weight);
    const auto slope = static_cast<float>(total * static_cast<double>(dlosses[r]));
    const auto shared = static_cast<float>(uniform * static_cast<double>(dlosses[r]));
    if (rule.class_weights == nullptr) {
      map(
          columns, out, [&](Vec p) { return p * slope - shared; }, row);
    } else {
      map(
          columns, out, [&](Vec p, Vec w) { return p * slope - w * shared; }, row, rule.class_weights);
    }
    out[label] = static_cast<float>(at_label);
  }
}

void binary_cross_entropy(Index count, const float* x, const float* target, float* losses) {
  map(
      count, losses, [](Vec v, Vec t) { return max(Vec{}, v) - v * t + log1p_unit(exp(-absolute(v))); }, x,
      target);
}

void binary_cross_entropy_gradient(Index count, const float* x, const float* target, const float* dlosses,
                                   float* dx) {
  map(
      count, dx, [](Vec v, Vec t, Vec d) { return d * (sigmoid(v) - t); }, x, target, dlosses);
}

}  // namespace

extern const LossKernels loss;
const LossKernels loss{cross_entropy, cross_entropy_gradient, binary_cross_entropy,
                       binary_cross_entropy_gradient};

}  // namespace firn::FIRN_ISA_SPACE
