// Where a number that is none came from.
#pragma once

#include <string>

#include "data/loader.h"
#include "engine/base/error.h"
#include "layers/model.h"
#include "optim/trainer/program_cache.h"

namespace firn {

/// Why a forward pass gives NaN or infinities.
struct NonFiniteCause {
  enum class Kind {
    unknown,
    weights,  ///< a parameter holds one
    data,     ///< a sample's numbers are far out of any scale
    layer,    ///< a layer makes the first of them
  };
  Kind kind = Kind::unknown;
  std::string text;  ///< "fc1.weight[3,0] is nan"
};

/// Looks for numbers far out in all that `samples` gives, then in what the weights were trained on, then at
/// the parameters, and then lets the batch pass layer by layer. A batch without samples (their features are
/// kept) passes none.
NonFiniteCause cause_of_non_finite(const Model& model, ProgramCache& programs, const Batch& batch,
                                   const Loader& samples, const Loader* trained_on = nullptr);

/// Of a step that gave `what` ("the loss is nan in epoch 1, step 3"): names the data or the weights where
/// they are the reason, and a smaller rate where steps have been made already.
Error non_finite_step(const std::string& what, bool first_step, const NonFiniteCause& cause);

}  // namespace firn
