// What a program costs: counted from its steps, and predicted from measured times.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "engine/program/program.h"

namespace firn {

/// Forward, input gradient (X) and weight gradient (W) of one block or of a whole program.
template <class T>
struct PerPass {
  T forward{}, input_gradient{}, weight_gradient{};
  T& of(Pass pass) {
    return pass == Pass::forward ? forward : pass == Pass::input_gradient ? input_gradient : weight_gradient;
  }
  T sum() const { return forward + input_gradient + weight_gradient; }
};

/// A value of the forward pass that is kept for the backward pass.
struct Kept {
  std::string label;  ///< the layer that makes it
  int block = -1;
  std::string what;                  ///< "conv2d (64,28,28,32)"
  std::vector<std::string> readers;  ///< "conv2: conv2d_dw"
  Index bytes = 0;                   ///< for the whole batch
};

struct ProgramCost {
  PerPass<Cost> total;
  std::vector<PerPass<Cost>> blocks;  ///< by block; what is in none counts in `total` alone
  std::vector<Kept> kept;
  Index kept_bytes = 0;
  Cost once;  ///< paid when frozen parameters are new, not in a step
};

/// Counted from the program's own steps; what was left out is not in it.
ProgramCost cost_of(const Program& program);

/// Seconds of a run by pass, from the seconds of each of the plan's steps, summed over threads.
PerPass<double> seconds_by_pass(const Program& program, std::span<const double> step_seconds);

/// The same predicted for another program of the same model and batch (another set of frozen parameters),
/// from the measured `step_seconds` of `timed`: what both hold (the same operation of the same layer) costs
/// the same, what only `other` holds nothing. With `timed` the step that trains everything this is the cost
/// model of docs/freezing.md: all F, the X above what trains, the W of what trains.
PerPass<double> predicted_seconds(const Program& timed, std::span<const double> step_seconds,
                                  const Program& other);

}  // namespace firn
