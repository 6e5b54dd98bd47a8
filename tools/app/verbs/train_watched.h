// A run's training with all that is said, written and asked while it lasts.
#pragma once

#include <functional>
#include <vector>

#include "engine/base/communicator.h"
#include "optim/trainer/trainer.h"
#include "tools/app/cli/console.h"
#include "tools/app/run/folder.h"
#include "tools/app/run/forecast.h"
#include "tools/app/run/freeze_pictures.h"
#include "tools/app/run/freezing.h"
#include "tools/app/run/keeper.h"
#include "tools/app/run/session.h"

namespace firn::cli {

struct WatchedTraining {
  Console& console;
  Session& session;
  Trainer& trainer;
  const std::vector<Thaw>& thaws;
  const FreezeChoice& freeze;
  bool exact = false;
  bool policy = false;  ///< one decides what trains
  RunForecast& forecast;
  RunFolder* folder = nullptr;         ///< null: nothing is written
  RunKeeper* keeper = nullptr;         ///< likewise
  FreezePictures* pictures = nullptr;  ///< null: they are not wanted
  Communicator* ranks = nullptr;       ///< null: this process alone
  std::function<double()> elapsed;     ///< seconds of the command
  double& said;                        ///< what the whole command was said to take; 0: nothing yet
};

/// Trains to the end. Throws `Interrupted` where a signal ends it, and what `Trainer::run` throws.
History train_watched(const WatchedTraining& watch);

}  // namespace firn::cli
