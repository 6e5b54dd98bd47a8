#pragma once

#include "engine/graph/graph.h"

namespace firn {

/// y (...,out) = x (...,in) * weight (in,out) + bias (out); the bias may be none.
/// Keeps x when the weight trains, nothing for the bias.
Value dense(Graph& graph, Value x, Value weight, Value bias = {});

/// The sum over all rows of x (...,columns): the gradient of whatever was added to each row. `shape` has
/// `columns` elements, x's last dimensions together.
Value column_sum(Graph& graph, Value x, Shape shape);

/// dweight (in,out) = sum over rows of x (...,in)^T * dy (...,out). Cut into parts of the batch where the
/// weight is small against the activations, else into pieces of the weight. Where `trains` names columns,
/// those alone: dweight (in,trains), the same bits.
Value outer_sum(Graph& graph, Value x, Value dy, const TrainableRanges* trains = nullptr);

}  // namespace firn
