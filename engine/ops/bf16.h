// What frozen layers do when their precision is bf16.
#pragma once

#include <memory>
#include <vector>

#include "engine/graph/graph.h"
#include "engine/kernels/conv.h"

namespace firn {

/// True for a product of x with a weight that the graph wants in bf16: nothing that trains lies below either.
/// Both are then rounded to bf16; the sums, and what the epilogue does to them, are fp32.
bool computes_in_bf16(const Graph& graph, Value x, Value weight);

/// Each element to the nearest bf16, still as a `real`.
std::shared_ptr<const Op> round_op();

/// How a step reads an input whose samples another precision holds.
enum class Reading {
  plain,  ///< as it lies in memory
  bf16,   ///< from bf16
  round,  ///< rounded to bf16
};

/// Inputs that a step with conversions may have.
inline constexpr std::size_t kMostConverted = 16;

/// `op`, which computes in `real`, run on converted inputs, its output 0 as bf16 where `narrow`. A few
/// samples at a time are converted, in scratch. `op` must compute every sample from the same sample of its
/// batch inputs.
std::shared_ptr<const Op> with_bf16(std::shared_ptr<const Op> op, std::vector<Reading> inputs, bool narrow);

}  // namespace firn
