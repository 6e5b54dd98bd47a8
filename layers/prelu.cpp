#include "layers/prelu.h"

#include "engine/ops/activation.h"
#include "engine/ops/arithmetic.h"
#include "engine/ops/channel_scale.h"
#include "engine/ops/rearrange.h"

namespace firn {

PRelu::PRelu(Options options) : options_(options) {
  weight_ = own("weight", Shape{options_.shared ? Index{1} : options_.channels}, Role::weight,
                {Fill::Kind::constant, real(0.25)});
}

LayerSpec PRelu::spec() const {
  return LayerSpec("prelu").flag("shared", options_.shared);
}

Flow PRelu::build(Graph& graph, Flow in) const {
  // max(x, 0) - weight * max(-x, 0); one weight is one for the last axis of single numbers.
  Value below = activate(graph, Activation::relu, scale(graph, in.x, real(-1)));
  const Shape shape = below.shape();
  if (options_.shared) below = reshape(graph, below, Shape{shape[0], shape.count_from(1), 1});
  below = multiply_row(graph, below, graph.parameter(weight_));
  if (options_.shared) below = reshape(graph, below, shape);
  in.x = subtract(graph, activate(graph, Activation::relu, in.x), below);
  return in;
}

}  // namespace firn
