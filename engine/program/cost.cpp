#include "engine/program/cost.h"

#include <fmt/core.h>

#include <algorithm>
#include <map>

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
      const std::string reader = fmt::format("{}: {}", node.label(), node.kind());
      if (std::find(readers.begin(), readers.end(), reader) == readers.end()) readers.push_back(reader);
    }
  }
  return result;
}

BlockTimes block_times(const Program& program, int blocks) {
  BlockTimes times(static_cast<std::size_t>(blocks) + 1);
  const double runs = static_cast<double>(std::max<std::uint64_t>(1, program.timed_runs()));
  for (std::size_t i = 0; i < program.plan().steps.size(); ++i) {
    const Node& node = *program.plan().steps[i].node;
    const int block = node.block() >= 0 && node.block() < blocks ? node.block() : blocks;
    times[static_cast<std::size_t>(block)].of(node.pass()) += program.step_times()[i] / runs;
  }
  return times;
}

double predict_backward(const BlockTimes& full, const std::vector<bool>& trains) {
  const auto lowest =
      static_cast<std::size_t>(std::find(trains.begin(), trains.end(), true) - trains.begin());
  if (lowest == trains.size()) return 0;
  double seconds = 0;
  for (std::size_t block = 0; block < full.size(); ++block) {
    if (block > lowest) seconds += full[block].input_gradient;
    if (block >= trains.size() || trains[block]) seconds += full[block].weight_gradient;
  }
  // A block's own input gradients (between its layers) are needed when it trains itself.
  return seconds + full[lowest].input_gradient;
}

double predict_step(const BlockTimes& full, const std::vector<bool>& trains) {
  double seconds = predict_backward(full, trains);
  for (const ByPass<double>& block : full) seconds += block.forward;
  return seconds;
}

}  // namespace firn
