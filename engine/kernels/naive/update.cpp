#include "engine/kernels/update.h"

#include <cmath>

namespace firn::naive {

namespace {

void sgd(const SgdRule& rule, Index count, const real* gradient, real* value, real* momentum) {
  for (Index i = 0; i < count; ++i) {
    real g = gradient[i] * rule.gradient_scale + rule.decay * value[i];
    if (momentum != nullptr) {
      momentum[i] = rule.first ? g : rule.momentum * momentum[i] + (1 - rule.dampening) * g;
      g = rule.nesterov ? g + rule.momentum * momentum[i] : momentum[i];
    }
    value[i] -= rule.rate * g;
  }
}

void adam(const AdamRule& rule, Index count, const real* gradient, real* value, real* first, real* second) {
  const real step = rule.rate / rule.correction1;
  const real root = std::sqrt(rule.correction2);
  for (Index i = 0; i < count; ++i) {
    real g = gradient[i] * rule.gradient_scale;
    if (rule.decoupled) {
      value[i] -= rule.rate * rule.decay * value[i];
    } else {
      g += rule.decay * value[i];
    }
    first[i] = rule.beta1 * first[i] + (1 - rule.beta1) * g;
    second[i] = rule.beta2 * second[i] + (1 - rule.beta2) * g * g;
    value[i] -= step * first[i] / (std::sqrt(second[i]) / root + rule.epsilon);
  }
}

void rmsprop(const RmspropRule& rule, Index count, const real* gradient, real* value, real* square,
             real* momentum) {
  for (Index i = 0; i < count; ++i) {
    const real g = gradient[i] * rule.gradient_scale + rule.decay * value[i];
    square[i] = rule.alpha * square[i] + (1 - rule.alpha) * g * g;
    real change = g / (std::sqrt(square[i]) + rule.epsilon);
    if (momentum != nullptr) change = momentum[i] = rule.momentum * momentum[i] + change;
    value[i] -= rule.rate * change;
  }
}

}  // namespace

extern const UpdateKernels update;
const UpdateKernels update{sgd, adam, rmsprop};

}  // namespace firn::naive
