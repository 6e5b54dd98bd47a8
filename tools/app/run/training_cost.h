// What a whole training takes, said before it.
#pragma once

#include <functional>
#include <string>

#include "tools/app/cost/machine.h"
#include "tools/app/run/forecast.h"
#include "tools/app/run/memory_limit.h"
#include "tools/app/run/session.h"

namespace firn {
class Trainer;
}

namespace firn::cli {

/// Seconds, predicted; and memory.
struct TrainingCost {
  double step = 0;      ///< a step with the frozen part in it
  double kept = 0;      ///< from kept features; 0: none will be kept
  double training = 0;  ///< all steps and evaluations on the validation part
  double test = 0;      ///< the test part, once
  double bytes = 0;     ///< resident, without the data
};

/// What a trainer is to do.
struct TrainingTask {
  const Session& session;
  Model& model;  ///< with what is frozen at the start; for all of the training
  Index epochs = 1, batch = 64;
  OptimizerMaker optimizer;
};

/// Prices the kernels of the step, and of the one from kept features where there will be any; those that the
/// machine does not know are measured, `each` as in `forecast`. An evaluation takes what the forward parts of
/// as many steps do.
TrainingCost training_cost(const TrainingTask& task, Trainer& trainer, Machine& machine,
                           const std::function<void(Index)>& each = {});

/// The same task for `RunForecast`, which measures its steps and evaluations itself, but for steps from kept
/// features: these are priced. Nothing is said of its folder.
RunWork run_work(const TrainingTask& task, Trainer& trainer, Machine& machine);

/// Resident bytes of it, without the data.
double training_bytes(const TrainingTask& task, const Program& step, Machine& machine);
/// With the data, and the features that are to be kept.
double resident_bytes(const TrainingTask& task, Trainer& trainer, Machine& machine, const MemoryLimit& limit);

}  // namespace firn::cli
