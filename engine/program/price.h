// What a program will take on this machine: its steps priced one by one, each by its kernel run alone.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "engine/program/cost.h"

namespace firn {

/// Seconds that a program needs beside its kernels.
struct Overheads {
  double region = 0;   ///< to open a parallel region and close it
  double barrier = 0;  ///< a group more in it
};
/// Measured with this many threads, in some milliseconds.
Overheads measure_overheads(int threads);

/// Seconds of kernel calls (a slice of the batch, or the mean of a step's tasks) by what they depend on:
/// kernel, shapes, how long ago the operands were used, threads that run at once, instruction set. Equal
/// steps of different programs have equal keys, so that a list serves all cuts of a model, and lasts.
using PriceList = std::map<std::string, double>;

/// The time of a run, predicted.
struct Forecast {
  double seconds = 0;                   ///< kernels, barriers, the region
  double waiting = 0;                   ///< of it: barriers and the region
  PerPass<double> total;                ///< of the kernels
  std::vector<PerPass<double>> blocks;  ///< by block; what is in none counts in `total` alone
  std::vector<double> steps;            ///< of the plan, each its share of its group
  Index priced_anew = 0;                ///< kernels that the list did not hold
};

/// Prices every step that `program` holds and lays the calls out on as many of `threads` threads as it would
/// use, group by group as it runs them. A kernel that `prices` does not hold is measured and added: run alone
/// on random numbers, on all of these threads at once, each operand in memory that was last used as long ago
/// as in the program; the threads' own time counts, not that of others on their cores. It takes 10 to 60 ms.
/// The program must have been fed what it reads indices from. `each`, if given, is told before a measurement
/// how many are left.
Forecast forecast(const Program& program, int threads, const Overheads& overheads, PriceList& prices,
                  const std::function<void(Index left)>& each = {});

/// Memory of a program besides parameters and feeds.
struct ProgramBytes {
  Index arena = 0;  ///< values, on as many of the threads as it uses
  Index once = 0;   ///< what is computed once from frozen parameters
};
ProgramBytes bytes_of(const Program& program, int threads);

}  // namespace firn
