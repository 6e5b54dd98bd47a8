#include "engine/kernels/update.h"

#include "engine/kernels/simd/map.h"
#include "engine/kernels/simd/transcendental.h"

namespace firn::FIRN_ISA_SPACE {

namespace {

void sgd(const SgdRule& rule, Index count, const float* gradient, float* value, float* momentum) {
  const float fresh = 1 - rule.dampening;
  for_each_vector(count, [&](Index i, auto lanes) {
    const Vec w = load(value + i, lanes);
    Vec g = load(gradient + i, lanes) * rule.gradient_scale + rule.decay * w;
    if (rule.momentum != 0) {
      const Vec m = rule.first ? g : rule.momentum * load(momentum + i, lanes) + fresh * g;
      store(momentum + i, m, lanes);
      g = rule.nesterov ? g + rule.momentum * m : m;
    }
    store(value + i, w - rule.rate * g, lanes);
  });
}

void adam(const AdamRule& rule, Index count, const float* gradient, float* value, float* first,
          float* second) {
  const float shrink = rule.decoupled ? 1 - rule.rate * rule.decay : 1;
  const float decay = rule.decoupled ? 0 : rule.decay;
  const float fresh1 = 1 - rule.beta1;
  const float fresh2 = 1 - rule.beta2;
  const float root = 1 / __builtin_sqrtf(rule.correction2);
  const float rate = rule.rate / rule.correction1;
  for_each_vector(count, [&](Index i, auto lanes) {
    Vec w = load(value + i, lanes);
    const Vec g = load(gradient + i, lanes) * rule.gradient_scale + decay * w;
    const Vec m0 = load(first + i, lanes);
    const Vec m = m0 + fresh1 * (g - m0);
    const Vec v = rule.beta2 * load(second + i, lanes) + fresh2 * g * g;
    store(first + i, m, lanes);
    store(second + i, v, lanes);
    w *= shrink;
    store(value + i, w - rate * m / (square_root(v) * root + rule.epsilon), lanes);
  });
}

void rmsprop(const RmspropRule& rule, Index count, const float* gradient, float* value, float* square,
             float* momentum) {
  const float fresh = 1 - rule.alpha;
  for_each_vector(count, [&](Index i, auto lanes) {
    const Vec w = load(value + i, lanes);
    const Vec g = load(gradient + i, lanes) * rule.gradient_scale + rule.decay * w;
    const Vec s = rule.alpha * load(square + i, lanes) + fresh * g * g;
    store(square + i, s, lanes);
    Vec step = g / (square_root(s) + rule.epsilon);
    if (rule.momentum != 0) {
      step += rule.momentum * load(momentum + i, lanes);
      store(momentum + i, step, lanes);
    }
    store(value + i, w - rule.rate * step, lanes);
  });
}

}  // namespace

extern const UpdateKernels update;
const UpdateKernels update{sgd, adam, rmsprop};

}  // namespace firn::FIRN_ISA_SPACE
