#include "engine/program/recompute.h"

#include <algorithm>
#include <map>
#include <set>

namespace firn {

namespace {

constexpr int kLongestChain = 2;  // cheap operations in a row that are run again for one value

class Recompute {
 public:
  Recompute(Graph& graph, Plan& plan, const std::vector<Value>& keep) : graph_(graph), plan_(plan) {
    for (const Value& value : keep) whole_.insert(key_of(behind_views(value)));
    for (std::size_t g = 0; g < plan.groups.size(); ++g) {
      for (const int index : plan.groups[g].steps) {
        const Node& node = *step(index).node;
        made_[node.id()] = static_cast<int>(g);
        for (const Value& input : node.inputs()) {
          const Value value = behind_views(input);
          reads_[key_of(value)].push_back(static_cast<int>(g));
          // Parallel tasks need it whole; a view is no node of its own to be made again.
          if (!plan.groups[g].per_slice || value != input) whole_.insert(key_of(value));
        }
      }
    }
  }

  void run() {
    for (const Group& group : plan_.groups) {
      if (!group.per_slice) continue;
      for (const int index : group.steps) choose(*step(index).node);
    }
    if (chain_.empty()) return;
    std::vector<Step> steps;
    for (std::size_t g = 0; g < plan_.groups.size(); ++g) {
      Group& group = plan_.groups[g];
      std::map<int, Value> again;
      const std::size_t first = steps.size();
      const std::set<int> unread = unread_here(group);
      for (const int index : group.steps) {
        const Step old = step(index);
        if (unread.count(old.node->id()) > 0) continue;
        auto& node = const_cast<Node&>(*old.node);
        for (std::size_t i = 0; i < node.inputs().size(); ++i) {
          const Value here = made_here(node.inputs()[i], static_cast<int>(g), node.pass(), again, steps);
          graph_.rewire(node, i, here);
        }
        steps.push_back(old);
      }
      group.steps.clear();
      for (std::size_t i = first; i < steps.size(); ++i) group.steps.push_back(static_cast<int>(i));
    }
    plan_.steps = std::move(steps);
  }

 private:
  const Step& step(int index) const { return plan_.steps[static_cast<std::size_t>(index)]; }

  /// Decides about the output of a node; those that it reads have been decided about.
  void choose(const Node& node) {
    const ValueKey self{node.id(), 0};
    if (!node.op()->traits().recomputable || node.outputs()[0].axis != Axis::batch || whole_.count(self) > 0)
      return;
    const int made = made_.at(node.id());
    const int last = last_read(self);
    if (last <= made) return;
    int chain = 1;
    for (const Value& input : node.inputs()) {
      const Value value = behind_views(input);
      if (value.spec().axis != Axis::batch || made_.count(value.node->id()) == 0) continue;
      if (const auto found = chain_.find(value.node->id()); found != chain_.end()) {
        chain = std::max(chain, found->second + 1);
      } else if (last_read(key_of(value)) < last) {
        return;
      }
    }
    if (chain > kLongestChain) return;
    chain_[node.id()] = chain;
    inputs_[node.id()] = node.inputs();
  }

  /// What is made again wherever it is read, and so not where it was made first.
  std::set<int> unread_here(const Group& group) const {
    std::set<int> read, unread;
    for (auto index = group.steps.rbegin(); index != group.steps.rend(); ++index) {
      const Node& node = *step(*index).node;
      if (chain_.count(node.id()) > 0 && read.count(node.id()) == 0) {
        unread.insert(node.id());
        continue;
      }
      for (const Value& input : node.inputs()) read.insert(input.node->id());
    }
    return unread;
  }

  int last_read(const ValueKey& value) const {
    const auto found = reads_.find(value);
    return found == reads_.end() ? -1 : *std::max_element(found->second.begin(), found->second.end());
  }

  /// The value as group `g` reads it: where it is made again, by a step put behind `steps`.
  Value made_here(Value value, int g, Pass pass, std::map<int, Value>& again, std::vector<Step>& steps) {
    const int id = value.node->id();
    if (chain_.count(id) == 0 || made_.at(id) == g) return value;
    if (const auto found = again.find(id); found != again.end()) return found->second;
    std::vector<Value> inputs;
    for (const Value& input : inputs_.at(id)) inputs.push_back(made_here(input, g, pass, again, steps));
    const Value here = graph_.repeat(*value.node, std::move(inputs), pass);
    steps.push_back({here.node, here.node->op()->schedule(*here.node, 1, *plan_.kernels).cut, {}, {}});
    return again[id] = here;
  }

  Graph& graph_;
  Plan& plan_;
  std::map<int, int> made_;                     // group of each node
  std::map<ValueKey, std::vector<int>> reads_;  // groups
  std::set<ValueKey> whole_;                    // values that must be there as a whole
  std::map<int, std::vector<Value>> inputs_;    // of those nodes, as the graph was
  std::map<int, int> chain_;                    // nodes that are run again, and how many in a row at most
};

}  // namespace

void recompute(Graph& graph, Plan& plan, const std::vector<Value>& keep) {
  Recompute(graph, plan, keep).run();
}

}  // namespace firn
