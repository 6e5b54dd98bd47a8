// Freezing while training, on the command line: --policy and what goes with it.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "optim/optimizer.h"
#include "optim/trainer/trainer.h"
#include "tools/app/cli/arguments.h"
#include "tools/app/cli/console.h"
#include "tools/app/cli/json.h"
#include "tools/app/run/options.h"

namespace firn::cli {

struct PolicyChoice {
  std::string policy;                 ///< as `parse_policy` takes it; empty: none
  std::string frozen_state = "drop";  ///< or "keep", "decay:F"
  Index thaw_warm_up = 0;             ///< steps
};

/// In the order in which config.json has them.
Settings policy_settings(PolicyChoice& choice);
/// --policy, --frozen-state, --thaw-warm-up, and the list of policies.
void declare_policy(Arguments& arguments, PolicyChoice& choice);

/// Sets what is chosen. Throws Error(usage) with the nearest name, and for a policy beside --thaw.
void apply_policy(const PolicyChoice& choice, const FreezeChoice& freeze, TrainConfig& config);
void apply_frozen_state(const PolicyChoice& choice, Optimizer& optimizer);
JsonObject policy_json(const PolicyChoice& choice);

/// Says what freezes and thaws in a run: on stderr, the first few dozen changes; with --json each on a line.
class FreezeReport {
 public:
  /// `started` as the model stands before the run.
  FreezeReport(Console& console, const Model& started);

  /// The changes before one step, and the same as lines of JSON.
  std::vector<JsonObject> changed(std::span<const FreezeChange> changes, Index epoch);
  /// At the end: how many changes, and how much trained.
  void summary(const History& history) const;

 private:
  Console& console_;
  const Model& model_;
  std::vector<bool> trains_, ever_;  // now; at some time
  int lines_ = 0;
};

}  // namespace firn::cli
