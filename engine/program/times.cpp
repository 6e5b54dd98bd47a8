#include "engine/program/times.h"

#include <algorithm>
#include <set>

namespace firn {

namespace {

Time time_of_source(const Graph& graph, const Node& node, bool training,
                    const std::set<const Parameter*>& assigned) {
  if (node.is_feed()) return Time::sample;
  if (!node.parameter()) return Time::once;
  const bool moves =
      (training && graph.trains(*node.parameter())) || assigned.contains(node.parameter().get());
  return moves ? Time::step : Time::once;
}

}  // namespace

std::vector<Time> times_of(const Graph& graph, const std::vector<bool>& used, bool training) {
  std::set<const Parameter*> assigned;
  for (const auto& node : graph.nodes()) {
    if (used[node->index()] && node->assigns()) assigned.insert(node->assigns().get());
  }
  std::vector<Time> times(graph.nodes().size(), Time::step);
  for (const auto& node : graph.nodes()) {
    Time& time = times[node->index()];
    if (!used[node->index()]) continue;
    if (node->op() == nullptr) {
      time = time_of_source(graph, *node, training, assigned);
      continue;
    }
    if (node->assigns() || node->op()->traits().random) continue;
    time = Time::once;
    for (const Value& input : node->inputs()) time = std::max(time, times[input.node->index()]);
    // What is no batch of samples any more is of all of them.
    const bool samples = std::all_of(node->outputs().begin(), node->outputs().end(),
                                     [](const Spec& output) { return output.axis == Axis::batch; });
    if (time == Time::sample && !samples) time = Time::step;
  }
  return times;
}

}  // namespace firn
