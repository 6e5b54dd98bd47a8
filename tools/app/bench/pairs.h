// Steps timed in turns under two circumstances: numbers of threads, with and without a busy neighbour.
#pragma once

#include <string>
#include <vector>

#include "tools/app/bench/options.h"

namespace firn::cli {

/// A row for each model, way of freezing, batch and number of threads: the step's median in milliseconds and
/// how many times as fast it is as with the first number, the median and quartiles of ratios of steps right
/// one after the other. At least seven turns, for `seconds`.
void bench_scaling(const std::vector<std::string>& models, const std::vector<std::string>& freezes,
                   const BenchOptions& options, Console& console);

/// A row for each model, way of freezing, batch and number of threads: the step's median in milliseconds
/// alone and beside a process that computes without end on any core, and the second over the first, median
/// and quartiles of turns. The process ends with each turn, and with this one whatever happens.
void bench_neighbour(const std::vector<std::string>& models, const std::vector<std::string>& freezes,
                     const BenchOptions& options, Console& console);

}  // namespace firn::cli
