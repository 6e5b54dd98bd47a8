// What a training command says of itself before it is run.
#pragma once

#include "tools/app/cli/console.h"
#include "tools/app/run/forecast.h"

namespace firn::cli {

/// Seconds and bytes.
struct DryRun {
  Index epochs = 0;
  double reading = 0;
  RunSeconds left = {};  ///< all behind the reading
  double step = 0;
  double kept_step = 0;  ///< from kept features; 0: none are kept
  double bytes = 0;
  double resident = 0;  ///< by --memory; 0: no limit
};

/// A sentence, or the closing record under --json.
void report_dry_run(Console& console, const DryRun& run);

}  // namespace firn::cli
