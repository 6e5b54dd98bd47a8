// What freezing was to save before a run, and what it did save after it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "optim/trainer/trainer.h"
#include "tools/app/cli/console.h"
#include "tools/app/cli/json.h"
#include "tools/app/cost/machine.h"

namespace firn::cli {

/// One training step of a model.
struct StepFigures {
  double seconds = 0;  ///< predicted
  double macs = 0;
  Index kernels = 0;
  Index bytes = 0;  ///< of the program, on all threads
};

/// The step that trains everything and the one with what is frozen now.
struct FrozenForecast {
  Index batch = 0;
  StepFigures full, frozen;
  std::optional<double> kept_seconds = {};  ///< a step from kept features, where there will be any
  Index computing_epochs = 1;               ///< before them
};

/// Prices the kernels of the step with what is frozen, and of the one from kept features
/// (engine/program/price.h: some ten milliseconds each that the machine does not know).
/// The full step takes as much longer as it has more multiply-adds; where parts of tensors are frozen those
/// of its kernels that differ are priced too. None when nothing is frozen or all is, and for a step of very
/// many kernels.
std::optional<FrozenForecast> forecast_frozen(Model& model, ProgramCache& programs, Index batch,
                                              const Shape& sample,
                                              const std::optional<FeatureCache::Planned>& kept,
                                              Machine& machine);
/// "forecast: a step of 64 takes ..." on stderr.
void report_forecast(Console& console, const FrozenForecast& forecast);

/// The end of a run: hashes, kernels, bytes and time against the forecast, on stderr, and as the line of
/// JSON that --json prints; its "sentences" are what was said. `in_fp32`: of a run with its frozen part in
/// bf16, what the same weights come to on the test part with all of it in fp32. Throws Error(failure) naming
/// what has changed.
JsonObject report_audit(Console& console, const History& history,
                        const std::optional<FrozenForecast>& forecast,
                        const std::optional<Evaluation>& in_fp32, const Task& task);

/// Says what a run in bf16 costs, as `report_audit` does, where nothing is frozen. Returns what to keep of
/// it.
JsonObject report_precision(Console& console, const History& history, const Evaluation& in_fp32,
                            const Task& task);

}  // namespace firn::cli
