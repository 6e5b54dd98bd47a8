#include "engine/program/life_spans.h"

#include <map>
#include <set>

#include "engine/program/place.h"

namespace firn {

namespace {

/// Bytes that `place_values` gave the value.
Index placed_bytes(const Plan& plan, const Spec& spec, bool local) {
  if (local) return aligned(plan.slice_rows * spec.shape.count_from(1) * type_size(spec.type));
  return aligned((spec.axis == Axis::slice ? plan.slices : 1) * spec.shape.count() * type_size(spec.type));
}

/// What is read after a run.
std::set<ValueKey> outlives(const Program& program) {
  std::set<ValueKey> keys;
  for (const auto& output : program.graph().outputs()) keys.insert(key_of(behind_views(output.second)));
  for (const ParameterGradient& one : program.derivatives().gradients)
    keys.insert(key_of(behind_views(one.value)));
  for (const ValueGradient& one : program.values()) {
    keys.insert(key_of(behind_views(one.value)));
    if (one.gradient) keys.insert(key_of(behind_views(one.gradient)));
  }
  return keys;
}

}  // namespace

std::vector<const Step*> running_order(const Plan& plan) {
  std::vector<const Step*> order;
  for (const Group& group : plan.groups) {
    for (const int step : group.steps) order.push_back(&plan.steps[static_cast<std::size_t>(step)]);
  }
  return order;
}

std::vector<LifeSpan> life_spans(const Program& program) {
  const Plan& plan = program.plan();
  const std::vector<const Step*> order = running_order(plan);
  const std::set<ValueKey> kept = outlives(program);
  std::map<ValueKey, std::size_t> last;
  for (std::size_t i = 0; i < order.size(); ++i) {
    for (const Value& input : order[i]->node->inputs()) last[key_of(behind_views(input))] = i;
  }
  std::vector<LifeSpan> spans;
  for (std::size_t i = 0; i < order.size(); ++i) {
    const Node& node = *order[i]->node;
    for (int output = 0; output < static_cast<int>(node.outputs().size()); ++output) {
      const Value value{const_cast<Node*>(&node), output};
      const Operand place = plan.place_of(value);
      const bool local = place.base == Operand::Base::local;
      if (!local && place.base != Operand::Base::shared) continue;
      LifeSpan span{value, local,        place.offset, placed_bytes(plan, value.spec(), local),
                    i,     order.size(), nullptr};
      if (const auto read = last.find(key_of(value)); read != last.end() && !kept.contains(key_of(value))) {
        span.last = read->second;
        span.reader = order[span.last]->node;
      }
      spans.push_back(span);
    }
  }
  return spans;
}

}  // namespace firn
