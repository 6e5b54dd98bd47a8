#include "tests/engine/placement.h"

#include <fmt/core.h>

#include <algorithm>
#include <map>

namespace firn::test {

namespace {

constexpr int kForever = 1 << 30;

/// A value as the run sees it: where it lies, when it is written, when it is read.
struct Life {
  std::string name;
  const Node* maker = nullptr;
  int output = 0;
  Operand place;
  Index bytes = 0;
  int group = 0, step = 0;                 // of the writing
  std::vector<std::pair<int, int>> reads;  // (group, step)

  int last_group() const {
    int last = group;
    for (const auto& read : reads) last = std::max(last, read.first);
    return last;
  }
};

Index bytes_of(const Plan& plan, const Spec& spec, bool local) {
  const Index size = spec.type == DType::number  ? static_cast<Index>(sizeof(real))
                     : spec.type == DType::int32 ? 4
                                                 : 1;
  if (spec.axis == Axis::slice) return plan.slices * spec.shape.count() * size;
  if (local) return plan.slice_rows * spec.shape.count_from(1) * size;
  return spec.shape.count() * size;
}

/// Whether `next` may lie in the bytes of `old` although both are in use in one group: the step that writes
/// `next` is the last to read `old`, or comes after it on the same slice.
bool takes_over(const Plan& plan, const Life& old, const Life& next) {
  if (old.place.offset != next.place.offset || old.place.stride != next.place.stride) return false;
  if (old.last_group() != next.group) return false;
  const Group& group = plan.groups[static_cast<std::size_t>(next.group)];
  bool in_place = false;
  for (std::size_t i = 0; i < next.maker->inputs().size(); ++i) {
    const Value input = behind_views(next.maker->inputs()[i]);
    in_place = in_place || (input.node == old.maker && input.output == old.output &&
                            next.maker->op()->traits().in_place.allows(static_cast<int>(i), next.output));
  }
  for (const auto& [g, s] : old.reads) {
    if (g < next.group) continue;
    if (s == next.step ? !in_place : (!group.per_slice || s > next.step)) return false;
  }
  return group.per_slice ? old.group < next.group || old.step < next.step : old.group < next.group;
}

}  // namespace

std::vector<std::string> misplaced(const Plan& plan, const std::vector<Value>& keep) {
  std::map<std::pair<int, int>, Life> lives;
  for (std::size_t g = 0; g < plan.groups.size(); ++g) {
    for (std::size_t s = 0; s < plan.groups[g].steps.size(); ++s) {
      const Step& step = plan.steps[static_cast<std::size_t>(plan.groups[g].steps[s])];
      for (std::size_t i = 0; i < step.outputs.size(); ++i) {
        const Operand& place = step.outputs[i];
        if (place.base != Operand::Base::shared && place.base != Operand::Base::local) continue;
        const bool local = place.base == Operand::Base::local;
        lives[{step.node->id(), static_cast<int>(i)}] = {
            fmt::format("{} {} output {}", step.node->label(), step.node->kind(), i),
            step.node,
            static_cast<int>(i),
            place,
            bytes_of(plan, step.node->outputs()[i], local),
            static_cast<int>(g),
            static_cast<int>(s),
            {}};
      }
    }
  }
  std::vector<std::string> wrong;
  for (std::size_t g = 0; g < plan.groups.size(); ++g) {
    for (std::size_t s = 0; s < plan.groups[g].steps.size(); ++s) {
      const Step& step = plan.steps[static_cast<std::size_t>(plan.groups[g].steps[s])];
      for (std::size_t i = 0; i < step.inputs.size(); ++i) {
        const Value value = behind_views(step.node->inputs()[i]);
        const auto found = lives.find({value.node->id(), value.output});
        if (found == lives.end()) {
          if (step.inputs[i].base != Operand::Base::absolute) {
            wrong.push_back(
                fmt::format("{} {} reads what nobody writes", step.node->label(), step.node->kind()));
          }
          continue;
        }
        Life& life = found->second;
        const bool region = plan.groups[g].per_slice;
        const std::pair<int, int> written{life.group, life.step},
            now{static_cast<int>(g), static_cast<int>(s)};
        if (!(region ? written < now : life.group < now.first))
          wrong.push_back(life.name + " is read before it is written");
        if (step.inputs[i].base != life.place.base || step.inputs[i].offset != life.place.offset)
          wrong.push_back(life.name + " is read elsewhere");
        life.reads.emplace_back(now);
      }
    }
  }
  for (const Value& value : keep) {
    const Value real_one = behind_views(value);
    const auto found = lives.find({real_one.node->id(), real_one.output});
    if (found != lives.end()) found->second.reads.emplace_back(kForever, 0);
  }
  for (const auto& one : lives) {
    const Life& a = one.second;
    const bool local = a.place.base == Operand::Base::local;
    const Index room = local ? plan.scratch_offset : plan.shared_bytes;
    if (a.place.offset < 0 || a.place.offset + a.bytes > room)
      wrong.push_back(a.name + " lies outside of its memory");
    if (local &&
        std::any_of(a.reads.begin(), a.reads.end(), [&](const auto& r) { return r.first != a.group; }))
      wrong.push_back(a.name + " is local and read in another group");
    for (const auto& [b_key, b] : lives) {
      if (!(one.first < b_key) || a.place.base != b.place.base) continue;
      if (a.place.offset >= b.place.offset + b.bytes || b.place.offset >= a.place.offset + a.bytes) continue;
      if (local && a.group != b.group) continue;
      if (!local && (a.last_group() < b.group || b.last_group() < a.group)) continue;
      if (local) {
        const auto last_step = [](const Life& life) {
          int last = life.step;
          for (const auto& read : life.reads) last = std::max(last, read.second);
          return last;
        };
        if (last_step(a) < b.step || last_step(b) < a.step) continue;
      }
      if (takes_over(plan, a, b) || takes_over(plan, b, a)) continue;
      wrong.push_back(a.name + " and " + b.name + " share bytes at the same time");
    }
  }
  return wrong;
}

}  // namespace firn::test
