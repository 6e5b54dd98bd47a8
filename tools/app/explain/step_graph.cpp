#include "tools/app/explain/step_graph.h"

#include <algorithm>
#include <map>

namespace firn::cli {

namespace {

class GraphReader {
 public:
  explicit GraphReader(const Program& program) : program_(program) {
    for (const ValueGradient& one : program.values()) {
      place_[one.value.node] = nodes_.size();
      of_label_.emplace(one.value.node->label(), one.value.node);
      nodes_.push_back({one.value.node, {}, {}, {}, {}, {}, {}});
    }
    const auto& nodes = program.graph().nodes();
    for (auto i = nodes.rbegin(); i != nodes.rend(); ++i) {
      for (const Value& input : (*i)->inputs()) first_reader_[input.node] = i->get();
    }
  }

  std::vector<StepNode> read() {
    for (StepNode& node : nodes_) take_inputs(node, *node.node);
    for (const Step& step : program_.plan().once) take_call(*step.node, true);
    for (const Group& group : program_.plan().groups) {
      for (const int step : group.steps)
        take_call(*program_.plan().steps[static_cast<std::size_t>(step)].node, false);
    }
    for (const LeftOut& item : program_.left_out()) {
      if (StepNode* owner = owner_of(item.node)) owner->left_out.push_back(item);
    }
    return std::move(nodes_);
  }

 private:
  template <class T>
  static void add_once(std::vector<T>& list, const T& item) {
    if (std::find(list.begin(), list.end(), item) == list.end()) list.push_back(item);
  }

  /// What `reader` reads, through the helpers that stand between.
  void take_inputs(StepNode& node, const Node& reader) {
    for (const Value& input : reader.inputs()) {
      const Node& from = *input.node;
      if (const auto found = place_.find(&from); found != place_.end()) {
        add_once(node.reads, found->second);
      } else if (from.parameter()) {
        add_once(node.parameters, from.parameter()->name());
      } else if (from.is_feed()) {
        add_once(node.feeds, from.label());
      } else if (from.op() != nullptr) {
        take_inputs(node, from);
      }
    }
  }

  /// The node of the forward pass that another one serves: whose gradient it computes, or whose input.
  StepNode* owner_of(const Node* node) {
    while (node != nullptr && !place_.contains(node)) {
      const auto reader = first_reader_.find(node);
      const auto layer = of_label_.find(node->label());
      node = node->gradient_of() != nullptr  ? node->gradient_of()
             : reader != first_reader_.end() ? reader->second
             : layer != of_label_.end()      ? layer->second  // running statistics: nobody reads them
                                             : nullptr;
    }
    return node != nullptr ? &nodes_[place_.at(node)] : nullptr;
  }

  void take_call(const Node& node, bool once) {
    StepNode* const owner = owner_of(&node);
    if (owner == nullptr || owner->node == &node) return;
    (node.pass() == Pass::forward && node.gradient_of() == nullptr ? owner->helpers : owner->backward)
        .push_back({&node, once});
  }

  const Program& program_;
  std::vector<StepNode> nodes_;
  std::map<const Node*, std::size_t> place_;
  std::map<const Node*, const Node*> first_reader_;
  std::map<std::string, const Node*> of_label_;
};

}  // namespace

std::vector<StepNode> step_graph(const Program& program) {
  return GraphReader(program).read();
}

}  // namespace firn::cli
