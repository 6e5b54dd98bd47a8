// Thaws and warm-ups that a run is too short for.
#pragma once

#include <string>
#include <vector>

#include "layers/model.h"
#include "optim/schedule.h"
#include "tools/app/run/freezing.h"

namespace firn::cli {

/// The clock of a run.
struct RunClock {
  Index epochs = 1;
  Index steps_per_epoch = 1;
  Index patience = 0;      ///< epochs; 0: the run is as long as it was asked for
  Index thaw_warm_up = 0;  ///< steps
  Schedule schedule;
};

/// What should be known before the run: of each thaw that it never comes, may not come, or comes where the
/// rate is nothing any more or no longer gets to its own; and of a schedule that never gets to the rate.
std::vector<std::string> foreseen(const std::vector<Thaw>& thaws, const RunClock& clock);

/// The same of a policy that thaws by the clock (gradual, lp-ft, fine-tune): the blocks that never train.
std::vector<std::string> foreseen(const std::string& policy, const Model& model, const RunClock& clock);

/// What has come of that when the run has ended in `last_epoch`.
std::vector<std::string> missed(const std::vector<Thaw>& thaws, const RunClock& clock, Index last_epoch);

}  // namespace firn::cli
