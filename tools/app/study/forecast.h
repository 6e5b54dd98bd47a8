// How long a study takes, said before any of it is trained.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "tools/app/cost/machine.h"
#include "tools/app/study/budget.h"
#include "tools/app/study/runner.h"

namespace firn::cli {

/// Prices a plan from the machine's list of kernel times: of each model and target the step that trains
/// everything, on one thread; the others by what they share with it (docs/freezing.md). Counted are steps
/// (from kept features where they will be), curves, the judgement on validation and test part, sources with
/// their evaluations, and what stands around them. What the list lacks is measured, some ten milliseconds a
/// kernel; nothing is trained and no sample is read.
class PlanForecast {
 public:
  PlanForecast(const Materials& materials, Machine& machine);
  ~PlanForecast();

  /// Of all cells and origins of a plan.
  WorkForecast of(const Plan& plan);

 private:
  struct Priced;
  const Priced& priced(const Arm& arm);
  double cell_seconds(const Arm& arm);
  double origin_seconds(const Arm& arm);

  const Materials& materials_;
  Machine& machine_;
  std::map<std::string, std::unique_ptr<Priced>> priced_;  // by model, data and batch
  std::map<std::string, double> cells_;                    // by arm
  std::map<std::string, double> steps_;                    // by model and cut
};

/// Of a forecast the cells and origins that are still to be done.
WorkForecast left_of(const WorkForecast& work, const Todo& todo);

}  // namespace firn::cli
