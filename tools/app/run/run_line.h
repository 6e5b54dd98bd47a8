// How far a training run is: the line that stands on a terminal while it goes, and its table of epochs.
#pragma once

#include <limits>
#include <string>
#include <vector>

#include "engine/graph/freeze_set.h"
#include "layers/model.h"
#include "layers/task.h"

namespace firn::cli {

/// NaN: not known, or there is none.
struct RunState {
  static constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
  Index epoch = 0, epochs = 0;  ///< the one that goes on, of so many
  double share = 0;             ///< of the whole run, 0 to 1
  double seconds_left = kNone;  ///< until the whole run is over
  double loss = kNone;          ///< of the latest step or epoch
  double score = kNone;         ///< the task's headline on the validation part, latest
  double best = kNone;          ///< the same of the epoch that is best so far
  Index best_epoch = 0;
  std::size_t blocks = 0;
  std::vector<std::string> frozen = {};  ///< of these, by name
  double best_merit = kNone;

  /// A validation; of equals the later is best, as it is with the weights that are kept.
  void validated(Index epoch, double headline, double merit);
};

/// "[#####---------------] epoch 3/10  1:20 left  loss 0.4123  acc. 0.9123, best 0.9310 (epoch 2)  frozen
/// conv1". `metric` is the headline.
std::string run_line(const RunState& state, const TaskMetric& metric);

/// How much of a block does not train; running statistics aside.
enum class Held { none, part, whole };
/// Of each block.
std::vector<Held> held_blocks(const Model& model, const FreezeSet& set);
/// The blocks whose parameters do not train, running statistics aside; "conv2 in part" where some of them do.
std::vector<std::string> frozen_blocks(const Model& model, const FreezeSet& set);

/// A row of the table of epochs.
struct EpochRow {
  Index epoch = 0;
  double loss = 0;
  std::vector<double> validation_metrics = {};
  double validation_loss = 0;
  double rate = 0, seconds = 0, eval_seconds = 0, rss_mb = 0;
  bool validated = false;
};
std::string epoch_titles(const Task& task);
std::string epoch_row(const EpochRow& row, const Task& task);

}  // namespace firn::cli
