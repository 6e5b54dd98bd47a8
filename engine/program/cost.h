// What a program costs: counted from its steps, and predicted from measured times.
#pragma once

#include <string>
#include <vector>

#include "engine/program/program.h"

namespace firn {

/// Forward, input gradient (X) and weight gradient (W) of one block or of a whole program.
template <class T>
struct ByPass {
  T forward{}, input_gradient{}, weight_gradient{};
  T& of(Pass pass) {
    return pass == Pass::forward ? forward : pass == Pass::input_gradient ? input_gradient : weight_gradient;
  }
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
  ByPass<Cost> total;
  std::vector<ByPass<Cost>> blocks;  ///< by block; what is in none counts in `total` alone
  std::vector<Kept> kept;
  Index kept_bytes = 0;
  Cost once;  ///< paid when frozen parameters are new, not in a step
};

/// Counted from the program's own steps; what was left out is not in it.
ProgramCost cost_of(const Program& program);

/// Seconds of one block's passes, as measured in a step that trains everything; summed over threads.
using BlockTimes = std::vector<ByPass<double>>;

/// The times of a program's steps by block, per run, after runs with `Program::set_timing`. Steps outside of
/// all blocks (the loss) are in the last entry, one more than there are blocks.
BlockTimes block_times(const Program& program, int blocks);

/// Predicted seconds of a step that trains only the blocks marked in `trains`, from the times of one that
/// trains all: sum F + sum of X above the lowest trainable block + sum of W of the trainable ones (the cost
/// model of docs/freezing.md).
double predict_step(const BlockTimes& full, const std::vector<bool>& trains);

/// The backward share of `predict_step`: its X and W.
double predict_backward(const BlockTimes& full, const std::vector<bool>& trains);

}  // namespace firn
