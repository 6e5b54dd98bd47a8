// Sequences as what convolutions and pools over images read.
#pragma once

#include <fmt/core.h>

#include "engine/base/error.h"
#include "engine/ops/rearrange.h"
#include "layers/layer.h"

namespace firn {

/// What `over` makes of the flow, which reads images: of images it is `over(x)`; sequences (N,T,F) are seen
/// as images of one row, and what comes out as sequences again. Sequences whose lengths differ throw
/// Error(usage).
template <class Over>
Flow over_images(Graph& graph, Flow in, const Over& over) {
  const Shape shape = in.x.shape();
  if (shape.rank() != 3) return {over(in.x)};
  if (in.lengths) {
    throw Error(Fault::usage, "sequence",
                fmt::format("windows over time want sequences of one length (layer {})", graph.label()));
  }
  const Value y = over(reshape(graph, in.x, Shape{shape[0], 1, shape[1], shape[2]}));
  return {reshape(graph, y, Shape{shape[0], y.shape()[2], y.shape()[3]})};
}

}  // namespace firn
