// How long ago a step's operands were used: what decides which cache they come from.
#pragma once

#include <vector>

#include "engine/program/program.h"

namespace firn {

/// Bytes that a thread touches between two uses of each operand's memory, rounded: 0 below half of a
/// second-level cache, else the nearest product of that cache's size and a power of 4.
struct Reuse {
  std::vector<Index> inputs, outputs;
};

/// Of each of the plan's steps, counted along the second of two runs, in which a thread goes through its
/// slices of a region one by one. Memory that is touched twice counts once.
std::vector<Reuse> reuse_of(const Program& program, int threads);

/// Bytes of a value that one call of a step sees: of a slice, or of all of it.
Index bytes_of_call(const Plan& plan, const Spec& spec, bool sliced);

}  // namespace firn
