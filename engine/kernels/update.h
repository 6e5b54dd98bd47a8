// Update rules of the optimizers: one pass over parameter, gradient and state.
#pragma once

#include "engine/base/real.h"

namespace firn {

/// g is the gradient times `gradient_scale` (what clipping asks for). All formulas are PyTorch's.
struct SgdRule {
  real rate = 0, momentum = 0, dampening = 0, decay = 0, gradient_scale = 1;
  bool nesterov = false;
  bool first = false;  ///< the momentum buffer is new: it becomes g
};

/// Adam (Kingma and Ba 2015); AdamW (Loshchilov and Hutter 2019) when `decoupled`.
struct AdamRule {
  real rate = 0, beta1 = 0, beta2 = 0, epsilon = 0, decay = 0, gradient_scale = 1;
  real correction1 = 1, correction2 = 1;  ///< 1 - beta^step
  bool decoupled = false;
};

/// RMSprop (Hinton, lecture 6e), not centred.
struct RmspropRule {
  real rate = 0, alpha = 0, epsilon = 0, momentum = 0, decay = 0, gradient_scale = 1;
};

/// All functions work on the calling thread; state pointers have `count` elements, `momentum` buffers may be
/// null when the rule's momentum is 0.
struct UpdateKernels {
  void (*sgd)(const SgdRule& rule, Index count, const real* gradient, real* value, real* momentum);
  void (*adam)(const AdamRule& rule, Index count, const real* gradient, real* value, real* first,
               real* second);
  void (*rmsprop)(const RmspropRule& rule, Index count, const real* gradient, real* value, real* square,
                  real* momentum);
};

}  // namespace firn
