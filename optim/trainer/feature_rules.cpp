#include "optim/trainer/feature_rules.h"

#include <algorithm>
#include <vector>

#include "engine/program/fuse_patterns.h"
#include "engine/program/plan.h"
#include "engine/program/times.h"

namespace firn {

std::string not_a_function(const Graph& graph) {
  const std::vector<bool> all(graph.nodes().size(), true);
  const std::vector<Time> times = times_of(graph, all, true);
  for (const auto& node : graph.nodes()) {
    if (node->op() == nullptr || times[node->index()] != Time::step) continue;
    // The first that is no function of the sample.
    if (node->op()->traits().random) return "dropout acts in the frozen part";
    return "frozen batch norms use the batch's statistics";
  }
  return {};
}

bool fused_across(const Graph& graph, Value features) {
  const Node* reader = nullptr;
  std::ptrdiff_t reads = 0;
  for (const auto& node : graph.nodes()) {
    const auto here = std::count(node->inputs().begin(), node->inputs().end(), features);
    if (here > 0) reader = node.get();
    reads += here;
  }
  return reads == 1 && epilogue_term(*reader, features).has_value();
}

bool rounded_behind(const Graph& graph, Value features) {
  for (const auto& node : graph.nodes()) {
    if (node->op() == nullptr || node->op()->traits().narrowing != Narrowing::passes) continue;
    const bool all = graph.options().types.all_narrow();
    if (!all && graph.depends_on_trainable({node.get(), 0})) continue;
    for (const Value& input : node->inputs()) {
      if (behind_views(input) == features) return true;
    }
  }
  return false;
}

}  // namespace firn
