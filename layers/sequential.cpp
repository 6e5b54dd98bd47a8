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

std::string Sequential::text() const {
  std::string text = "Sequential(";
  for (std::size_t i = 0; i < children().size(); ++i)
    text += (i > 0 ? ", " : "") + children()[i].layer->text();
  return text + ")";
}

Flow Sequential::build(Graph& graph, Flow in) const {
  for (const Child& child : children()) in = child.build(graph, in);
  return in;
}

}  // namespace firn
