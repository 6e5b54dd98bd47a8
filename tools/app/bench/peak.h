// `firn bench peak`: what this machine can do at best.
#pragma once

#include "tools/app/bench/options.h"

namespace firn::cli {

/// A row for each instruction set and number of threads from 1 to `threads`: multiply-adds in registers in
/// GFLOP/s, and what copy and triad stream over memory in GB/s (`PeakKernels`); medians over `seconds` each.
void bench_peak(const BenchOptions& options, Console& console);

}  // namespace firn::cli
