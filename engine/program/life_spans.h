// How long each value of a program lies in its memory, and where.
#pragma once

#include <vector>

#include "engine/program/program.h"

namespace firn {

/// A value in the arena. Times count the plan's steps in the order of running, as one slice of the batch sees
/// them.
struct LifeSpan {
  Value value;
  bool local = false;            ///< in the memory of the thread that computes the slice, else in that of all
  Index offset = 0, bytes = 0;   ///< in that memory
  std::size_t made = 0;          ///< the step that writes it
  std::size_t last = 0;          ///< the step that reads it last; the number of steps: it outlives the run
  const Node* reader = nullptr;  ///< of that step; null where it outlives the run
};

/// The plan's steps in the order of running.
std::vector<const Step*> running_order(const Plan& plan);

/// Of all values that the arena holds, in the order of their making. No two that live at the same time share
/// bytes, but for a step that writes over what it reads: there one ends where the other begins.
std::vector<LifeSpan> life_spans(const Program& program);

}  // namespace firn
