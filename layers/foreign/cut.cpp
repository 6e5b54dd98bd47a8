#include "layers/foreign/cut.h"

#include <fmt/core.h>

#include <algorithm>

#include "engine/base/error.h"
#include "engine/base/glob.h"
#include "engine/base/printable.h"

namespace firn {

namespace {

[[noreturn]] void fail_cut(const ForeignGraph& graph, const std::string& what) {
  throw Error(Fault::usage, "import", fmt::format("{}: {}", graph.path, what));
}

/// The places of the nodes of this name, or of the module of this name and those below it.
std::vector<std::size_t> nodes_called(const ForeignGraph& graph, const std::string& option,
                                      const std::string& name) {
  std::vector<std::size_t> found;
  std::vector<std::string> names;
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    names.push_back(graph.nodes[i].name);
    if (graph.nodes[i].name == name) found.push_back(i);
  }
  for (std::size_t i = 0; i < graph.nodes.size() && found.size() < 2; ++i) {
    if (!found.empty() && graph.nodes[found[0]].name == name) break;
    const std::string& scope = graph.nodes[i].scope;
    if (scope.empty()) continue;
    names.push_back(scope);
    if (scope == name || scope.starts_with(name + ".")) found.push_back(i);
  }
  if (found.empty())
    fail_cut(graph, fmt::format("{} {:.80}: no node or module is called so{}", option, printable(name),
                                did_you_mean(name, names)));
  return found;
}

/// In the file's order; channels first where the node reads channels.
std::vector<Index> sizes_of_sample(const ForeignNode& node, const Shape& sample) {
  constexpr Index kSamples = 5;
  std::vector<Index> sizes{kSamples};
  sizes.insert(sizes.end(), sample.sizes().begin(), sample.sizes().end());
  const bool over_channels = node.op == "conv" || node.op == "batch_norm" || node.op.ends_with("_pool");
  if (sample.rank() == 3 || (sample.rank() == 2 && over_channels))
    std::rotate(sizes.begin() + 1, sizes.end() - 1, sizes.end());
  return sizes;
}

void begin_at(ForeignGraph& graph, const ForeignNode& node, const Shape& sample) {
  const auto read = std::find_if(node.inputs.begin(), node.inputs.end(),
                                 [&](int value) { return value >= 0 && !graph.constants.contains(value); });
  if (read == node.inputs.end())
    fail_cut(graph, fmt::format("node {:.80} reads no value", printable(node.name)));
  const int value = *read;
  const auto known = graph.sizes.find(value);
  if (sample.rank() > 0) {
    graph.input_sizes = sizes_of_sample(node, sample);
  } else if (known != graph.sizes.end()) {
    graph.input_sizes = known->second;
  } else if (value != graph.input) {
    fail_cut(graph,
             fmt::format("the sizes of what node {:.80} reads are not in the file: --input H,W,C says them",
                         printable(node.name)));
  }
  if (value != graph.input) graph.tokens = false;
  graph.input = value;
  // What gave it is no part of the network any more.
  for (ForeignNode& one : graph.nodes) std::replace(one.outputs.begin(), one.outputs.end(), value, -1);
}

}  // namespace

void cut_network(ForeignGraph& graph, const NetworkCut& cut, const Shape& sample) {
  if (!cut.to.empty()) {
    const ForeignNode& last = graph.nodes[nodes_called(graph, "--to", cut.to).back()];
    const auto output =
        std::find_if(last.outputs.begin(), last.outputs.end(), [](int value) { return value >= 0; });
    if (output == last.outputs.end())
      fail_cut(graph, fmt::format("node {:.80} gives nothing", printable(last.name)));
    graph.output = *output;
  }
  if (!cut.from.empty()) {
    const ForeignNode first = graph.nodes[nodes_called(graph, "--from", cut.from).front()];
    begin_at(graph, first, sample);
  }
}

}  // namespace firn
