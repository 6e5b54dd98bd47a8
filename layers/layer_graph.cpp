#include "layers/layer_graph.h"

#include <fmt/core.h>

#include <set>

#include "engine/base/error.h"

namespace firn {

LayerGraph::LayerGraph(std::vector<Node> nodes) {
  const auto fail = [](const std::string& what) { throw Error(Fault::usage, "graph", what); };
  if (nodes.empty()) fail("has no layer, at least one is wanted");
  std::set<std::string> names{"in"};
  for (Node& node : nodes) {
    if (node.name.empty()) fail("every layer of a graph wants a name");
    if (!names.insert(node.name).second) fail(fmt::format("two values are called {}", node.name));
    if (node.inputs.empty()) fail(fmt::format("{} reads nothing", node.name));
    for (const int input : node.inputs) {
      if (input < kEntry || input >= static_cast<int>(inputs_.size()))
        fail(fmt::format("{} reads value {}, of {} before it", node.name, input, inputs_.size()));
    }
    adopt(std::move(node.name), std::move(node.layer));
    inputs_.push_back(std::move(node.inputs));
  }
}

LayerSpec LayerGraph::spec() const {
  std::vector<LayerSpec> layers;
  for (std::size_t i = 0; i < children().size(); ++i) {
    LayerSpec one = children()[i].spec();
    const int before = static_cast<int>(i) - 1;
    if (inputs_[i] != std::vector<int>{before}) {
      for (const int input : inputs_[i])
        one.from.push_back(input == kEntry ? "in" : children()[static_cast<std::size_t>(input)].name);
    }
    layers.push_back(std::move(one));
  }
  return LayerSpec("graph").body({}, std::move(layers));
}

Flow LayerGraph::build(Graph& graph, Flow in) const {
  std::vector<Flow> flows;
  for (std::size_t i = 0; i < children().size(); ++i) {
    std::vector<Flow> read;
    for (const int input : inputs_[i])
      read.push_back(input == kEntry ? in : flows[static_cast<std::size_t>(input)]);
    const Scope scope(graph, children()[i].name);
    flows.push_back(children()[i].layer->join(graph, read));
  }
  return flows.back();
}

}  // namespace firn
