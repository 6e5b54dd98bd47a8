#include "layers/join.h"

#include "engine/ops/arithmetic.h"
#include "engine/ops/rearrange.h"

namespace firn {

namespace {

Flow folded(Graph& graph, std::span<const Flow> in, Value (*op)(Graph&, Value, Value)) {
  Flow out = in[0];
  for (const Flow& flow : in.subspan(1)) out.x = op(graph, out.x, flow.x);
  return out;
}

}  // namespace

Flow Add::join(Graph& graph, std::span<const Flow> in) const {
  return folded(graph, in, add);
}

Flow Multiply::join(Graph& graph, std::span<const Flow> in) const {
  return folded(graph, in, multiply);
}

Flow Concatenate::join(Graph& graph, std::span<const Flow> in) const {
  std::vector<Value> values;
  for (const Flow& flow : in) values.push_back(flow.x);
  return {concatenate(graph, values, in[0].x.shape().rank() - 1), in[0].lengths};
}

}  // namespace firn
