#include "layers/join.h"

#include <algorithm>

#include "engine/ops/arithmetic.h"
#include "engine/ops/channel_scale.h"
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
  if (in.size() == 2) {
    const Shape &a = in[0].x.shape(), &b = in[1].x.shape();
    if (a != b && a.rank() > 1 && b.rank() > 1 && b[0] == a[0] && b[-1] == a[-1] && b.count_from(1) == b[-1])
      return {multiply_channels(graph, in[0].x, reshape(graph, in[1].x, Shape{b[0], b[-1]})), in[0].lengths};
  }
  return folded(graph, in, multiply);
}

Flow Concatenate::join(Graph& graph, std::span<const Flow> in) const {
  std::vector<Value> values;
  for (const Flow& flow : in) values.push_back(flow.x);
  const int last = in[0].x.shape().rank() - 1;
  return {concatenate(graph, values, axis_ > 0 ? static_cast<int>(std::min<Index>(axis_, last)) : last),
          in[0].lengths};
}

}  // namespace firn
