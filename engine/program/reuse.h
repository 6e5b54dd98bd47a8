// How long ago a step's operands were used: what decides which cache they come from.
#pragma once

#include <vector>

#include "engine/program/program.h"

namespace firn {

/// Bytes that a thread touches between two uses of each operand's memory, rounded: 0 below half of a
/// second-level cache, else that cache's size times a power of 4.
struct Reuse {
  std::vector<Index> inputs, outputs;
};

/// Of each of the plan's steps, counted along one run after another one. In a region every thread goes
/// through all steps slice by slice; what another group has used is as old as what both and those between
/// them touch.
std::vector<Reuse> reuse_of(const Program& program, int threads);

/// Bytes of a value that one call of a step sees: of a slice, or of all of it.
Index bytes_of_call(const Plan& plan, const Spec& spec, bool sliced);

}  // namespace firn
