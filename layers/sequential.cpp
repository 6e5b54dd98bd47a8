#include "layers/sequential.h"

namespace firn {

Sequential::Sequential(std::vector<Child> children) {
  for (Child& child : children) adopt(std::move(child.name), std::move(child.layer));
}

Sequential& Sequential::add(LayerPtr layer) {
  return add(std::to_string(children().size()), std::move(layer));
}

Sequential& Sequential::add(std::string name, LayerPtr layer) {
  adopt(std::move(name), std::move(layer));
  return *this;
}

LayerSpec Sequential::spec() const {
  std::vector<LayerSpec> layers;
  for (const Child& child : children()) layers.push_back(child.spec());
  return LayerSpec("group").body({}, std::move(layers));
}

Flow Sequential::build(Graph& graph, Flow in) const {
  for (const Child& child : children()) in = child.build(graph, in);
  return in;
}

}  // namespace firn
