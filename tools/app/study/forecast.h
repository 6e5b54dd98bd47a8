// How long a study takes, said before any of it is trained.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "tools/app/cost/machine.h"
#include "tools/app/study/budget.h"
#include "tools/app/study/runner.h"

namespace firn::cli {

/// Prices a plan from the machine's list of kernel times: of each model and target the step that trains
/// everything, on one thread; the others by what they share with it (docs/freezing.md). Counted are steps
/// (from kept features where they will be), curves, the judgement on validation and test part, sources with
/// their evaluations, the measuring of costs, tables and page, and what stands around them; reading is not.
/// Features that cells share are counted once. What the list lacks is measured, some ten milliseconds a
/// kernel; nothing is trained.
class PlanForecast {
 public:
  PlanForecast(const Materials& materials, Machine& machine);
  ~PlanForecast();

  /// Of all cells and origins of a plan.
  WorkForecast of(const Plan& plan);

 private:
  struct Priced;
  /// What a cell takes; where its features are shared without these.
  struct CellPrice {
    double seconds = 0;
    double pictures = 0;    ///< to train it once more and look inside
    double feature = 0;     ///< seconds of a sample's; 0: they are not shared
    std::size_t child = 0;  ///< the first layer that is computed from them
    bool judges = false;    ///< samples that it is judged on are among them
  };
  const Priced& priced(const Arm& arm);
  CellPrice cell_price(const Arm& arm);
  double origin_seconds(const Arm& arm);
  std::vector<std::size_t> timings_of(const Arm& arm, WorkForecast& work);
  std::optional<SharedNeed> need_of(const Arm& arm, const Cell& cell, const CellPrice& price,
                                    WorkForecast& work);
  std::size_t set_of(const std::string& name, const Dataset& data, Index most, std::uint64_t seed,
                     WorkForecast& work);

  const Materials& materials_;
  Machine& machine_;
  std::map<std::string, std::unique_ptr<Priced>> priced_;  // by model, data and batch
  std::map<std::string, CellPrice> cells_;                 // by arm
  std::map<std::string, double> steps_;                    // a static arm's, by what is measured
  std::map<std::string, std::size_t> features_;            // numbers of `SharedNeed`, by what they depend on
  std::map<std::string, std::size_t> timings_;             // places in `WorkForecast::timings`, by name
  std::map<std::string, std::size_t> sets_;                // places in `WorkForecast::sets`, by name
  std::map<const Dataset*, Index> first_;                  // number of the first sample of a set
  Index samples_ = 0;                                      // numbers given
};

/// Of a forecast the cells and origins that are still to be done.
WorkForecast left_of(const WorkForecast& work, const Todo& todo);

}  // namespace firn::cli
