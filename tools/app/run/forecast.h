// What a whole command will take by the clock, told from the first steps of its run.
#pragma once

#include <functional>

#include "engine/base/real.h"
#include "tools/app/run/saving_cost.h"

namespace firn {
class Trainer;
}

namespace firn::cli {

/// What a run is to do.
struct RunWork {
  Index epochs = 1;
  Index samples = 1, batch = 1;    ///< of an epoch
  Index computing = 1;             ///< epochs whose steps start from samples: all, where no features are kept
  double kept_step = 0;            ///< seconds of a step from kept features, priced; 0: there is none
  bool kept_validation = false;    ///< the validation part's features are kept too, from the first epoch on
  double forward = 0.33;           ///< share of a step that is its forward pass
  double kept_forward = 0.33;      ///< of a kept step
  Index validation = 0, test = 0;  ///< samples of these parts
  bool saves = false;
  Saving saving = {};
  FilePrices files = {};
};

/// Seconds that are still to come.
struct RunSeconds {
  double steps = 0, validation = 0, test = 0, files = 0;
  double all() const { return steps + validation + test + files; }
};

/// Follows a run from step to step. Times are seconds of one clock, which is the caller's.
class RunForecast {
 public:
  /// The run begins `now`.
  RunForecast(const RunWork& work, double now) : work_(work), last_(now) {}

  /// Behind step `step` of epoch `epoch`, both counted from 1.
  void after_step(Index epoch, Index step, double now);
  /// Behind the epoch's evaluation, which took so long, and all that was written.
  void after_epoch(Index epoch, double evaluation, double now);

  /// Enough was seen: some steps and half a second of them, or two epochs.
  bool known() const;
  /// From the last call on. Zeros before the first step.
  RunSeconds left() const;
  /// Of a batch; `kept`: from kept features.
  double step_seconds(bool kept = false) const;

 private:
  /// Steps and evaluations of one kind: computed from samples, or from kept features.
  struct Seen {
    double seconds = 0, evaluation = -1;  // below 0: none was seen
    Index samples = 0, steps = 0;
  };
  bool kept(Index epoch) const { return epoch > work_.computing; }
  bool validates_kept(Index epoch) const { return work_.kept_validation && epoch > 1; }
  double evaluation_seconds(bool kept) const;

  const RunWork work_;
  Seen seen_[2];
  double first_ = 0;  // the first step's
  double last_;       // when the last step or epoch was over
  Index epoch_ = 0, step_ = 0;
  bool evaluated_ = false;  // the epoch is over
};

/// Trains until `forecast` is known or the run is over; the trainer is of no more use then. `now`: the clock.
void rehearse(Trainer& trainer, RunForecast& forecast, const std::function<double()>& now);

}  // namespace firn::cli
