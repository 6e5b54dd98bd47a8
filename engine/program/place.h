// Gives the values of a plan their places, so that values that do not live at the same time share memory.
#pragma once

#include <map>
#include <utility>
#include <vector>

#include "engine/program/plan.h"

namespace firn {

/// Rounded up to a cache line.
inline Index aligned(Index bytes) {
  return (bytes + 63) / 64 * 64;
}

/// Places what the ordered steps of `plan` write, in `plan.places`, and sets `shared_bytes` and `local_bytes`
/// (without scratch). A batch value that is made and read inside one region alone lies in the thread's own
/// memory, one slice large; every other value in shared memory, from the group that makes it to the last one
/// that reads it. `gradients`, which are among `keep`, lie one behind the other (`plan.gradient_offset`).
/// `sources` are the entries of `plan.sources`.
void place_values(Plan& plan, const std::vector<Value>& keep, const std::vector<Value>& gradients,
                  const std::map<std::pair<int, int>, Index>& sources);

}  // namespace firn
