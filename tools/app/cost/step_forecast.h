// A training step as it will be: its time and its memory.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "layers/model.h"
#include "layers/task.h"
#include "optim/optimizer.h"
#include "tools/app/cost/machine.h"

namespace firn::cli {

/// What a program is fed to be measured: standard normal numbers, or tokens and lengths of full sequences,
/// and targets.
struct RandomBatch {
  Tensor x, lengths, targets;
  /// Targets are those of `task`; null: of `usual_task`.
  RandomBatch(const Model& model, Index batch, const Shape& sample, const Task* task = nullptr);
  /// Feeds what the program has feeds for. The batch must outlive its runs.
  void feed(Program& program, const Model& model) const;
};

/// Feeds all that a program reads indices from: full lengths, tokens of the vocabulary, zeros else; they must
/// outlive its runs.
std::vector<Tensor> feed_indices(Program& program, Index vocabulary);

/// Memory of a step, in bytes.
struct StepBytes {
  Index arena = 0;       ///< the program's values
  Index once = 0;        ///< what it computes once from frozen parameters
  Index parameters = 0;  ///< of the whole model, statistics with them
  Index state = 0;       ///< the optimizer's, of what trains
  Index feeds = 0;
  Index all() const { return arena + once + parameters + state + feeds; }
};
/// `slots`: tensors of state that the optimizer has for a parameter.
StepBytes step_bytes(const Model& model, const Program& program, int slots, int threads);

struct StepForecast {
  Forecast program;
  double optimizer_seconds = 0;
  double seconds() const { return program.seconds + optimizer_seconds; }
  StepBytes bytes;
};

/// A run of `program`, which is fed, and if it trains a step of the optimizer behind it. `each` as in
/// `forecast`.
StepForecast forecast_step(const Model& model, const Program& program, const OptimizerMaker& make,
                           int threads, Machine& machine, const std::function<void(Index)>& each = {});

/// Resident bytes of a process that trains, beside those of `StepBytes`: code, libraries, stacks. Taken from
/// the smallest of the models in a process of its own.
Index base_bytes(int threads, Machine& machine);

/// A row of `firn bench step`.
struct StepChoice {
  std::string model, freeze;
  Index batch = 0;  ///< 0: the model's usual one
  int threads = 1;
  bool exact = false;
  std::string precision = "fp32";  ///< of what is frozen
};
/// The greatest resident bytes of a process that runs these steps and nothing else.
double measured_resident(const StepChoice& choice);

}  // namespace firn::cli
