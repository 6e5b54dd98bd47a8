#include "engine/program/step_trace.h"

#include <fmt/core.h>

namespace firn {

StepTrace::StepTrace(Index runs, Index skip) : wanted_(runs), skip_(skip) {}

std::size_t StepTrace::introduce(const std::vector<Step>& steps) {
  const std::size_t first = labels_.size();
  for (const Step& step : steps) {
    const Node& node = *step.node;
    labels_.push_back({node.label(), node.text(), node.block(), node.pass()});
  }
  return first;
}

bool StepTrace::begin_run(int threads) {
  if (skip_ > 0) return --skip_, false;
  if (recorded_ >= wanted_) return false;
  ++recorded_;
  if (events_.size() < static_cast<std::size_t>(threads)) events_.resize(static_cast<std::size_t>(threads));
  return true;
}

void StepTrace::add(int thread, std::size_t label, Index slice, Index task, double begin, double end) {
  const auto since = [&](double at) { return at - begin_; };
  events_[static_cast<std::size_t>(thread)].push_back({label, slice, task, since(begin), since(end)});
}

}  // namespace firn
