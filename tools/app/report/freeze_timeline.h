// When which block was frozen, beneath the curves of that time.
#pragma once

#include <string>
#include <vector>

#include "tools/app/report/page.h"
#include "tools/app/report/plot.h"
#include "tools/app/report/training_record.h"

namespace firn::cli::report {

/// A block was frozen from `begin` to `end`, in the units of the plot's x axis.
struct Stretch {
  std::size_t block = 0;
  double begin = 0, end = 0;
  bool whole = true;  ///< all of the block
};

/// The blocks of one training from the input.
struct FreezeLanes {
  std::string name = {};  ///< above them; empty: nothing
  std::vector<std::string> blocks = {};
  std::vector<Stretch> stretches = {};
};

/// The plot, whose x axis is made to go from 0 to `total`, and beneath it a lane a block, the head at the
/// top, ice where it was frozen, pale where a part of it was.
Svg draw_over_lanes(Plot plot, const std::vector<FreezeLanes>& lanes, double total);

/// Epochs done when so many steps were made.
double epochs_at(const TrainingRecord& run, Index step);

/// The lanes of a run over its epochs; no stretches where no block was ever frozen.
FreezeLanes lanes_of(const TrainingRecord& run);

/// The stretches as numbers; `time` is what they count.
PageTable stretches_table(const std::vector<FreezeLanes>& lanes, const std::string& time);

}  // namespace firn::cli::report
