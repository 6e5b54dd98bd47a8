#include "layers/shaping.h"

#include <fmt/format.h>

#include "engine/base/error.h"
#include "engine/ops/rearrange.h"

namespace firn {

Flow Flatten::build(Graph& graph, Flow in) const {
  return {flatten(graph, in.x)};
}

LayerSpec Reshape::spec() const {
  return LayerSpec("reshape").bare("sample", fmt::format("{}", fmt::join(sample_.sizes(), "x")));
}

Flow Reshape::build(Graph& graph, Flow in) const {
  std::vector<Index> sizes{in.x.shape()[0]};
  sizes.insert(sizes.end(), sample_.sizes().begin(), sample_.sizes().end());
  return {reshape(graph, in.x, Shape(std::span<const Index>(sizes)))};
}

LayerSpec Permute::spec() const {
  return LayerSpec("permute").option("order", fmt::format("{}", fmt::join(order_, " ")), {});
}

Flow Permute::build(Graph& graph, Flow in) const {
  std::vector<int> order{0};
  for (const Index axis : order_) order.push_back(static_cast<int>(axis));
  return {permute(graph, in.x, order)};
}

LayerSpec Slice::spec() const {
  const auto& [axis, begin, end, step] = options_;
  return LayerSpec("slice")
      .option("axis", axis, -1)
      .option("begin", begin, 0)
      .option("end", end, -1)
      .option("step", step, 1);
}

Flow Slice::build(Graph& graph, Flow in) const {
  const auto& [axis, begin, end, step] = options_;
  return {slice(graph, in.x, static_cast<int>(axis), begin, end, step)};
}

LayerSpec ZeroPad::spec() const {
  return LayerSpec("zero_pad")
      .option("axis", options_.axis, -1)
      .option("before", options_.before, 0)
      .option("behind", options_.behind, 0);
}

Flow ZeroPad::build(Graph& graph, Flow in) const {
  const auto& [axis, before, behind] = options_;
  if (in.lengths && axis == 1) {
    throw Error(Fault::usage, "zero_pad",
                fmt::format("sequences of one length are wanted (layer {})", graph.label()));
  }
  return {pad(graph, in.x, static_cast<int>(axis), before, behind), in.lengths};
}

Flow RowsToSequence::build(Graph& graph, Flow in) const {
  const Shape& x = in.x.shape();
  if (x.rank() != 4) {
    throw Error(Fault::usage, "rows_to_sequence",
                fmt::format("input {} must be (N,H,W,C) (layer {})", x.text(), graph.label()));
  }
  return {reshape(graph, in.x, Shape{x[0], x[1], x[2] * x[3]}), in.lengths};
}

}  // namespace firn
