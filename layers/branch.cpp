#include "layers/branch.h"

#include "engine/base/error.h"
#include "layers/join.h"

namespace firn {

Branch::Branch(const std::vector<LayerPtr>& arms) {
  if (arms.empty()) throw Error(Fault::usage, "branch", "has no arm, at least one is wanted");
  for (const LayerPtr& arm : arms) adopt({}, arm);
}

LayerSpec Branch::spec() const {
  LayerSpec spec("branch");
  for (const Child& arm : children()) spec.body({}, layers_of(*arm.layer));
  return spec;
}

Flow Branch::build(Graph& graph, Flow in) const {
  std::vector<Flow> results;
  for (const Child& arm : children()) results.push_back(arm.build(graph, in));
  return Concatenate().join(graph, results);
}

}  // namespace firn
