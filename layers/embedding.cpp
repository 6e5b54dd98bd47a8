#include "layers/embedding.h"

#include <fmt/core.h>

#include "engine/ops/embedding.h"

namespace firn {

Embedding::Embedding(Options options) : options_(options) {
  weight_ =
      own("weight", Shape{options_.vocabulary, options_.features}, Role::weight, {Fill::Kind::normal, 1});
}

LayerSpec Embedding::spec() const {
  return LayerSpec("embedding").bare("features", options_.features);
}

Flow Embedding::build(Graph& graph, Flow in) const {
  in.x = embedding(graph, in.x, graph.parameter(weight_));
  return in;
}

}  // namespace firn
