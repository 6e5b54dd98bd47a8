// What handing things around adds to a step, predicted.
#pragma once

#include "engine/program/price.h"
#include "engine/program/program.h"

namespace firn {

/// What lies between any two ranks: each has a line of its own to all others, both ways at once.
struct Link {
  double latency =
      0;  ///< seconds from one rank to another of a message of no length, what programs need with it
  double bandwidth = 0;  ///< bytes a second
};

/// Seconds of a step on the rank that has most to do.
struct RankSeconds {
  double computing = 0;  ///< its slices, and what every rank computes
  double all = 0;        ///< with what is handed around
  double handing() const { return all - computing; }
};

/// A step that so many ranks share. The model: the groups of the plan one behind the other, of the slices'
/// work the rank's share. In front of a group that reads what slices have made it waits: a latency, and what
/// all other ranks send it at the bandwidth. A sum of b bytes takes 2 b of the line and is at its end 2
/// (ranks - 1) chunks and latencies after it began; sums that nobody waits for do so beside the computing,
/// one behind the other, until the step is over. `forecast`: of the whole step on one rank.
RankSeconds predict_ranks(const Program& program, const Forecast& forecast, int ranks, const Link& link);

}  // namespace firn
