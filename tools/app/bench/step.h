// `firn bench step`: training steps of the reference models, timed: the rows to hold against a peer's.
#pragma once

#include "tools/app/bench/options.h"

namespace firn::cli {

/// A row for each model and way of freezing, on random data: medians of a step and of a forward pass in
/// milliseconds, of at least five runs each, for `seconds` and half of it; the greatest resident memory of
/// the process so far.
void bench_step(const BenchOptions& options, Console& console);

}  // namespace firn::cli
