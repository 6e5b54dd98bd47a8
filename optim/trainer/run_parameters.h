// The parameters of a model during a run, each once, and which of them the run has changed.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "layers/layer.h"
#include "optim/trainer/extension.h"

namespace firn {

class RunParameters {
 public:
  /// Of a layer and all below it; a shared one under its first name.
  explicit RunParameters(const Layer& layer);

  const std::vector<NamedParameter>& all() const { return all_; }
  /// A run begins: nothing is changed.
  void begin();
  /// Whether the values of all()[which] have been written since the run began.
  bool changed(std::size_t which) const { return all_[which].parameter->version() != versions_[which]; }

 private:
  std::vector<NamedParameter> all_;
  std::vector<std::uint64_t> versions_;  // when the run began
};

/// Running statistics as they were before a step: the forward pass moves them before it is known whether its
/// numbers are any.
class StatisticsGuard final : public TrainerExtension {
 public:
  explicit StatisticsGuard(const RunParameters& parameters);

  void before_forward(StepMoment& now) override;
  void step_failed() override;

 private:
  std::vector<std::pair<ParameterPtr, Tensor>> kept_;
};

}  // namespace firn
