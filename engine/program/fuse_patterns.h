// The patterns of fusion: what stands behind a kernel or before it and can be computed by it.
#pragma once

#include <optional>
#include <vector>

#include "engine/ops/epilogue.h"

namespace firn {

/// `node` as a term of the epilogue of the kernel that makes `pulled`, one of its inputs: an activation; the
/// addition of another value of the same axis; an affine map by channel with nothing behind it. None where it
/// is none of these.
std::optional<EpilogueTerm> epilogue_term(const Node& node, Value pulled);

/// The inputs of `node`, a `WithGate`, with the gate: where input i is the gradient of a ReLU that stands,
/// alone, behind a training batch norm of the node's input 0. Empty where it is not.
std::vector<Value> gated_inputs(const Node& node, int i);

}  // namespace firn
