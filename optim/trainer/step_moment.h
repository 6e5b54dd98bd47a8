// A training step as those see it who take part in it.
#pragma once

#include <span>
#include <vector>

#include "data/loader.h"
#include "engine/program/program.h"
#include "optim/policy.h"

namespace firn {

struct History;
struct TrainHooks;

/// A block that stopped or began to train before a step.
struct FreezeChange {
  Index step = 0;  ///< steps made before, over all epochs
  int block = 0;
  bool frozen = false;
};

/// What the extensions of a run set for each other and for the loop; `StepField` names what they declare.
struct StepMoment {
  // Set by the loop before anything else.
  PolicyMoment time = {};    ///< where in the run; its statistics of blocks are the freezer's
  Index number = 0;          ///< steps that the trainer has made: what is random depends on it
  bool opens_epoch = false;  ///< no step of the epoch was made before
  bool opens_visit = false;  ///< none was since it began or was resumed
  const TrainHooks* hooks = nullptr;
  History* history = nullptr;

  // `before_step`.
  const FreezeSet* freeze = nullptr;           ///< what is frozen in the step
  std::span<const FreezeChange> changes = {};  ///< against the step before
  double trained_share = 1;                    ///< of the blocks
  double rate_factor = 1;                      ///< on the optimizer's rate
  double greatest_rate = 1;                    ///< the greatest factor of a block on that
  Content content = Content::samples;          ///< what the loader has to give
  bool reader_moved = false;                   ///< the loader was used for something else

  // `before_forward`: the loop has set the batch.
  const Batch* batch = nullptr;
  Program* program = nullptr;  ///< fed with all but the targets; null: the whole model's

  // `after_backward`.
  double loss = 0;
  std::span<const GradientView> gradients = {};  ///< what the optimizer will see

  // `after_update`.
  double gradient_norm = 0;  ///< of what it saw, before clipping
};

}  // namespace firn
