#include "layers/foreign/state_inputs.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <set>
#include <string_view>

namespace firn {

namespace {

/// Operations that lay states out for a layer.
bool carries(const std::string& op) {
  constexpr std::string_view kOps[] = {"unsqueeze", "squeeze", "select", "slice",     "split", "identity",
                                       "permute",   "reshape", "gather", "transpose", "cast"};
  return std::find(std::begin(kOps), std::end(kOps), op) != std::end(kOps);
}

/// Whether input `i` of the node is a state that it begins with.
bool is_state(const ForeignNode& node, std::size_t i) {
  if (node.op.starts_with("onnx_")) return i == 5 || i == 6;
  return node.has("states") && i >= 1 && i <= static_cast<std::size_t>(node.whole("states", 0));
}

/// The values that `input` flows through on its way to states; empty where it flows elsewhere too, or
/// nowhere.
std::set<int> way_to_states(const ForeignGraph& graph, int input) {
  std::set<int> way{input};
  bool arrives = false;
  for (const ForeignNode& node : graph.nodes) {
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
      if (!way.contains(node.inputs[i])) continue;
      arrives = arrives || is_state(node, i);
      if (is_state(node, i)) continue;
      if (i > 0 || !carries(node.op)) return {};
      way.insert(node.outputs.begin(), node.outputs.end());
      way.erase(-1);
    }
  }
  return !arrives || way.contains(graph.output) ? std::set<int>() : way;
}

}  // namespace

bool choose_input(ForeignGraph& graph, const std::vector<ForeignInput>& inputs) {
  const ForeignInput* samples = inputs.size() == 1 ? &inputs[0] : nullptr;
  std::set<int> states;
  std::vector<std::string> names;
  for (const ForeignInput& input : inputs) {
    const std::set<int> way = inputs.size() == 1 ? std::set<int>() : way_to_states(graph, input.value);
    if (!way.empty()) {
      states.insert(way.begin(), way.end());
      names.push_back(input.name);
    } else if (samples == nullptr || samples == &input) {
      samples = &input;
    } else {
      return false;
    }
  }
  if (samples == nullptr) return false;
  graph.input = samples->value;
  graph.input_sizes = samples->sizes;
  graph.tokens = samples->tokens;
  graph.states = std::move(states);
  if (!names.empty()) {
    graph.notes.push_back(
        fmt::format("{}: states that recurrent layers begin with, zero unless firn predict is given them "
                    "(--states; --last-states writes those that they end with)",
                    fmt::join(names, ", ")));
  }
  return true;
}

}  // namespace firn
