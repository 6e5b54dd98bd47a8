// Sums over the batch that are made part by part, a part for each slice.
#pragma once

#include "engine/ops/implementation.h"

namespace firn {

/// Whether a weight's gradient is better summed from parts of the batch, each one made by the thread that has
/// the slice, than cut into pieces of the weight: true where the parts together are no larger than x and dy,
/// from which it is computed. A function of the shapes alone.
bool sums_by_parts(Index weight_count, Value x, Value dy);

/// Whether as many copies of a weight as a batch usually has slices are no larger than `elements`.
bool small_in_parts(Index weight_count, Index elements);

/// What a sum that is implemented by parts, or else by pieces of the weight, says of it in listings.
Attribute how_summed(bool parts);
/// The output of such a sum: of all of it, or of a part.
std::vector<Spec> summed(std::vector<Spec> whole, bool parts);
/// Implements a sum by `parts`, which makes a part from each slice of `inputs`, and their reduction.
Chosen reduced(const Choice& choice, std::shared_ptr<const Op> parts, std::vector<Value> inputs);

/// The sum of the parts of a value with a slice axis, in the order of the slices.
Value reduce_parts(Graph& graph, Value parts);

}  // namespace firn
