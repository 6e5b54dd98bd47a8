#include "engine/kernels/update.h"

#include <cmath>

namespace firn::naive {

namespace {

void sgd(const SgdRule& rule, Index count, const real* gradient, real* value, real* momentum) {
  for (Index i = 0; i < count; ++i) {
    real g = gradient[i] * rule.gradient_scale + rule.decay * value[i];
    if (rule.momentum != 0) {
      momentum[i] = rule.first ? g : rule.momentum * momentum[i] + (1 - rule.dampening) * g;
      g = rule.nesterov ? g + rule.momentum * momentum[i] : momentum[i];
    }
    value[i] -= rule.rate * g;
  }
}

void adam(const AdamRule& rule, Index count, const real* gradient, real* value, real* first, real* second) {
  for (Index i = 0; i < count; ++i) {
    real g = gradient[i] * rule.gradient_scale;
    if (rule.decoupled) {
      value[i] *= 1 - rule.rate * rule.decay;
    } else {
      g += rule.decay * value[i];
    }
    first[i] += (1 - rule.beta1) * (g - first[i]);
    second[i] = rule.beta2 * second[i] + (1 - rule.beta2) * g * g;
    const real denominator = std::sqrt(second[i]) / std::sqrt(rule.correction2) + rule.epsilon;
    value[i] -= rule.rate / rule.correction1 * first[i] / denominator;
  }
}

void rmsprop(const RmspropRule& rule, Index count, const real* gradient, real* value, real* square,
             real* momentum) {
  for (Index i = 0; i < count; ++i) {
    const real g = gradient[i] * rule.gradient_scale + rule.decay * value[i];
    square[i] = rule.alpha * square[i] + (1 - rule.alpha) * g * g;
    real step = g / (std::sqrt(square[i]) + rule.epsilon);
    if (rule.momentum != 0) {
      momentum[i] = rule.momentum * momentum[i] + step;
      step = momentum[i];
    }
    value[i] -= rule.rate * step;
  }
}

}  // namespace

extern const UpdateKernels update;
const UpdateKernels update{sgd, adam, rmsprop};

}  // namespace firn::naive
