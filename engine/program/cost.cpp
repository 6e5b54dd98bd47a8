#include "engine/program/cost.h"

#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <tuple>

namespace firn {

namespace {

Cost cost(const Step& step) {
  return step.node->op()->cost(*step.node);
}

bool made_by_forward(const Value& value) {
  return value.node->op() != nullptr && value.node->pass() == Pass::forward &&
         value.spec().axis == Axis::batch;
}

}  // namespace

ProgramCost cost_of(const Program& program) {
  ProgramCost result;
  std::map<std::pair<int, int>, std::size_t> kept_at;
  for (const Step& step : program.plan().once) result.once += cost(step);
  for (const Step& step : program.plan().steps) {
    const Node& node = *step.node;
    result.total.of(node.pass()) += cost(step);
    if (node.block() >= 0) {
      const auto block = static_cast<std::size_t>(node.block());
      if (result.blocks.size() <= block) result.blocks.resize(block + 1);
      result.blocks[block].of(node.pass()) += cost(step);
    }
    if (node.pass() == Pass::forward) continue;
    for (const Value& input : node.inputs()) {
      const Value value = behind_views(input);
      if (!made_by_forward(value)) continue;
      const auto [found, fresh] =
          kept_at.emplace(std::pair{value.node->id(), value.output}, result.kept.size());
      if (fresh) {
        const Index bytes = value.shape().count() * type_size(value.spec().type);
        const std::string part = value.output > 0 ? fmt::format(" output {}", value.output) : "";
        result.kept.push_back({value.node->label(),
                               value.node->block(),
                               fmt::format("{}{} {}", value.node->kind(), part, value.shape().text()),
                               {},
                               bytes});
        result.kept_bytes += bytes;
      }
      std::vector<std::string>& readers = result.kept[found->second].readers;
      const std::string reader =
          node.label().empty() ? std::string(node.kind()) : fmt::format("{}: {}", node.label(), node.kind());
      if (std::find(readers.begin(), readers.end(), reader) == readers.end()) readers.push_back(reader);
    }
  }
  return result;
}

PerPass<double> seconds_by_pass(const Program& program, std::span<const double> step_seconds) {
  PerPass<double> seconds;
  for (std::size_t i = 0; i < step_seconds.size(); ++i) {
    seconds.of(program.plan().steps[i].node->pass()) += step_seconds[i];
  }
  return seconds;
}

PerPass<double> predicted_seconds(const Program& timed, std::span<const double> step_seconds,
                                  const Program& other) {
  // Steps of the same layer, operation and pass are paired in their order.
  using Key = std::tuple<std::string, std::string, Pass, int>;
  const auto for_each_key = [](const Program& program, const auto& f) {
    std::map<std::tuple<std::string, std::string, Pass>, int> seen;
    for (std::size_t i = 0; i < program.plan().steps.size(); ++i) {
      const Node& node = *program.plan().steps[i].node;
      const int which = seen[{node.label(), node.kind(), node.pass()}]++;
      f(Key{node.label(), node.kind(), node.pass(), which}, i);
    }
  };
  std::map<Key, double> known;
  for_each_key(timed, [&](const Key& key, std::size_t i) { known[key] = step_seconds[i]; });
  PerPass<double> seconds;
  for_each_key(other, [&](const Key& key, std::size_t) {
    if (const auto found = known.find(key); found != known.end())
      seconds.of(std::get<Pass>(key)) += found->second;
  });
  return seconds;
}

}  // namespace firn
