#include "engine/program/price.h"

#include <fmt/core.h>

#include <algorithm>
#include <memory>
#include <set>

#include "engine/base/cpu.h"
#include "engine/base/parallel.h"
#include "engine/base/seconds.h"
#include "engine/program/reuse.h"
#include "engine/program/step_timer.h"

namespace firn {

namespace {

double quick_seconds(const std::function<void()>& call) {
  std::vector<double> times;
  for (int i = 0; i < 101; ++i) {
    const double begin = seconds_now();
    call();
    times.push_back(seconds_since(begin));
  }
  const auto quarter = times.begin() + std::ssize(times) / 4;
  std::nth_element(times.begin(), quarter, times.end());
  return *quarter;
}

std::string spec_text(const Spec& spec, Index rows) {
  std::string text = spec.type == DType::number ? "" : fmt::format("{}:", type_name(spec.type));
  for (int i = 0; i < spec.shape.rank(); ++i) {
    const bool batch = i == 0 && spec.axis == Axis::batch;
    text += fmt::format("{}{}", i > 0 ? "," : "", batch ? rows : spec.shape[i]);
  }
  if (spec.axis != Axis::none) text += spec.axis == Axis::batch ? "*" : "/";
  return text;
}

/// What the price of a step depends on.
std::string key_of(const Program& program, const Step& step, const Reuse& reuse, int threads) {
  const Plan& plan = program.plan();
  const bool sliced = step.cut.kind == Cut::Kind::slices;
  std::string key = fmt::format("{}|{}|", isa_name(program.kernels().isa), step.node->text());
  const auto add = [&](const Operand& operand, const Spec& spec, Index old) {
    if (operand.base == Operand::Base::nowhere) {
      key += "- ";
      return;
    }
    key += spec_text(spec, sliced ? plan.slice_rows : plan.batch);
    key += old > 0 ? fmt::format("~{}k ", old >> 10) : " ";
  };
  for (std::size_t i = 0; i < step.inputs.size(); ++i)
    add(step.inputs[i], step.node->inputs()[i].spec(), reuse.inputs[i]);
  key += "-> ";
  for (std::size_t i = 0; i < step.outputs.size(); ++i)
    add(step.outputs[i], step.node->outputs()[i], reuse.outputs[i]);
  key += fmt::format("|{} slices", plan.slices);
  return key + (sliced ? "" : fmt::format(", {} tasks", step.cut.tasks)) +
         fmt::format("|{} threads", threads);
}

/// Seconds of each call of a group's pieces, in their order.
std::vector<double> pieces_of(const Plan& plan, const Group& group, const std::vector<double>& calls) {
  std::vector<double> pieces;
  const auto call = [&](int step) { return calls[static_cast<std::size_t>(step)]; };
  if (group.per_slice) {
    double slice = 0;
    for (const int step : group.steps) slice += call(step);
    pieces.assign(static_cast<std::size_t>(plan.slices), slice);
    const Index last = plan.batch - (plan.slices - 1) * plan.slice_rows;
    pieces.back() *= static_cast<double>(last) / static_cast<double>(plan.slice_rows);
    return pieces;
  }
  for (const int step : group.steps) {
    const auto tasks = static_cast<std::size_t>(plan.steps[static_cast<std::size_t>(step)].cut.tasks);
    pieces.insert(pieces.end(), tasks, call(step));
  }
  return pieces;
}

/// When the last of the pieces is done: each is taken by the member that is free first.
double makespan(const std::vector<double>& pieces, int members) {
  std::vector<double> busy(static_cast<std::size_t>(members), 0);
  for (const double piece : pieces) *std::min_element(busy.begin(), busy.end()) += piece;
  return *std::max_element(busy.begin(), busy.end());
}

}  // namespace

Overheads measure_overheads(int threads) {
  constexpr int kGroups = 64;
  const auto seconds = [&](int groups) {
    return quick_seconds([&] {
      parallel_region(threads, [&](Team& team, int) {
        for (int g = 0; g < groups; ++g) team.for_each(threads, [](Index) {});
      });
    });
  };
  const double one = seconds(1), many = seconds(kGroups);
  Overheads overheads;
  overheads.barrier = std::max(0.0, (many - one) / (kGroups - 1));
  overheads.region = std::max(0.0, one - overheads.barrier);
  return overheads;
}

Forecast forecast(const Program& program, int threads, const Overheads& overheads, PriceList& prices,
                  const std::function<void(Index)>& each) {
  const Plan& plan = program.plan();
  const int members = program.threads_of(threads);
  std::vector<std::string> keys;
  std::set<std::string> missing;
  const std::vector<Reuse> reuse = reuse_of(program, members);
  for (std::size_t i = 0; i < plan.steps.size(); ++i) {
    keys.push_back(key_of(program, plan.steps[i], reuse[i], members));
    if (!prices.contains(keys.back())) missing.insert(keys.back());
  }
  Forecast result;
  std::vector<double> calls;
  std::unique_ptr<StepTimer> timer;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const auto found = prices.find(keys[i]);
    if (found != prices.end()) {
      calls.push_back(found->second);
      continue;
    }
    if (each) each(static_cast<Index>(missing.size()) - result.priced_anew);
    if (!timer) timer = std::make_unique<StepTimer>(members);
    calls.push_back(timer->measure(program, plan.steps[i], reuse[i]));
    prices.emplace(keys[i], calls.back());
    ++result.priced_anew;
  }
  result.waiting = overheads.region + overheads.barrier * static_cast<double>(plan.groups.size());
  result.steps.resize(plan.steps.size());
  for (const Group& group : plan.groups) {
    const std::vector<double> pieces = pieces_of(plan, group, calls);
    double work = 0;
    for (const double piece : pieces) work += piece;
    const double span = makespan(pieces, members);
    result.seconds += span;
    for (const int index : group.steps) {
      const Step& step = plan.steps[static_cast<std::size_t>(index)];
      const double count = group.per_slice
                               ? static_cast<double>(plan.batch) / static_cast<double>(plan.slice_rows)
                               : static_cast<double>(step.cut.tasks);
      const double share = work > 0 ? span * calls[static_cast<std::size_t>(index)] * count / work : 0;
      const Node& node = *step.node;
      result.steps[static_cast<std::size_t>(index)] = share;
      result.total.of(node.pass()) += share;
      if (node.block() < 0) continue;
      const auto block = static_cast<std::size_t>(node.block());
      if (result.blocks.size() <= block) result.blocks.resize(block + 1);
      result.blocks[block].of(node.pass()) += share;
    }
  }
  result.seconds += result.waiting;
  return result;
}

ProgramBytes bytes_of(const Program& program, int threads) {
  ProgramBytes bytes;
  bytes.arena = program.arena_bytes(program.threads_of(threads));
  for (const Value& value : program.plan().sources) {
    if (value.node->op() == nullptr) continue;
    const Index parts = value.spec().axis == Axis::slice ? program.plan().slices : 1;
    bytes.once += parts * value.shape().count() * type_size(value.spec().type);
  }
  return bytes;
}

}  // namespace firn
