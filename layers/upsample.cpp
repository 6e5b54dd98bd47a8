#include "layers/upsample.h"

#include <fmt/core.h>

#include "engine/base/error.h"
#include "engine/ops/rearrange.h"

namespace firn {

namespace {

/// (N,places,inner) to (N,places*factor,inner), each place `factor` times.
Value repeated(Graph& graph, Value x, Index places, Index inner, Index factor) {
  const Index batch = x.shape()[0];
  const std::vector<Value> copies(static_cast<std::size_t>(factor),
                                  reshape(graph, x, Shape{batch, places, 1, inner}));
  return factor == 1 ? x : concatenate(graph, copies, 2);
}

}  // namespace

Upsample::Upsample(Extent factor) : factor_(factor) {
  if (factor.h < 1 || factor.w < 1)
    throw Error(Fault::usage, "upsample",
                fmt::format("factor {}: wanted are whole numbers from 1", factor.text()));
}

Flow Upsample::build(Graph& graph, Flow in) const {
  const Shape x = in.x.shape();
  if (x.rank() != 4)
    throw Error(Fault::usage, "upsample",
                fmt::format("input {} must be (N,H,W,C) (layer {})", x.text(), graph.label()));
  const Value wide = repeated(graph, in.x, x[1] * x[2], x[3], factor_.w);
  const Value high = repeated(graph, wide, x[1], x[2] * factor_.w * x[3], factor_.h);
  return {reshape(graph, high, Shape{x[0], x[1] * factor_.h, x[2] * factor_.w, x[3]})};
}

}  // namespace firn
