#include "layers/dropout.h"

#include <fmt/core.h>

#include "engine/base/error.h"
#include "engine/ops/dropout.h"

namespace firn {

Dropout::Dropout(real p) : p_(p) {
  if (!(p >= 0 && p < 1)) throw Error(Fault::usage, "dropout", fmt::format("p = {} is not in [0, 1)", p));
}

LayerSpec Dropout::spec() const {
  return LayerSpec("dropout").bare("p", exact_text(p_));
}

Flow Dropout::build(Graph& graph, Flow in) const {
  in.x = dropout(graph, in.x, p_);
  return in;
}

}  // namespace firn
