// `firn bench freeze`: what every cut of a model costs, predicted and measured.
#pragma once

#include "tools/app/bench/options.h"

namespace firn::cli {

/// A row for each number k of frozen first blocks, from none to all: milliseconds and memory of a step (with
/// everything frozen of a forward pass), predicted as `firn inspect` does and measured; then the largest and
/// the median error. Times are medians of runs that take turns with those of the other cuts, for `seconds`
/// each; the resident memory is the greatest of a process that runs this cut alone. `--freeze` takes some
/// cuts.
void bench_freeze(const BenchOptions& options, Console& console);

}  // namespace firn::cli
