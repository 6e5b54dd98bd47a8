// `firn bench kernel`: how much of the machine's peak each kernel reaches.
#pragma once

#include "tools/app/bench/options.h"

namespace firn::cli {

/// A row for each kernel and size of bench/problem_cases.h, and for steps and forward passes of LeNet-5 and
/// of the reference models, on one thread: GFLOP/s of the multiply-adds' formula as a share of
/// `multiply_add_rate`, or, for what is bound by memory, GB/s as a share of the triad's. The peak is measured
/// right before and right after, and their mean is what the share refers to; where the two are more than 5 %
/// apart the row is marked as unsteady. Models run on the set in force
/// alone. Throws Error(usage) when no name holds `only`.
void bench_kernel(const BenchOptions& options, Console& console);

}  // namespace firn::cli
