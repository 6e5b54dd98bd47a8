// Whether a gradient can reach what trains.
#pragma once

#include <set>

#include "layers/model.h"
#include "optim/trainer/extension.h"
#include "optim/trainer/program_cache.h"

namespace firn {

/// Throws Error(usage) where a weight of the last block is all zeros and frozen in the first step: it hands
/// no gradient down, and its answers are the same for every sample.
void require_learning_head(const Model& model, const FreezeSet& freeze);

/// For a first step whose gradients are all exactly zero: throws Error(usage) naming the frozen weight of
/// zeros that no gradient passes, where there is one.
void require_open_path(const Model& model, const FreezeSet& freeze);

/// Asks for it behind the first step.
class OpenPathCheck final : public TrainerExtension {
 public:
  explicit OpenPathCheck(const Model& model) : model_(model) {}
  std::vector<StepField> reads() const override { return {StepField::freeze}; }
  void after_update(StepMoment& now) override {
    if (now.number == 0 && now.gradient_norm == 0) require_open_path(model_, *now.freeze);
  }

 private:
  const Model& model_;
};

/// Whether every batch norm of the model, frozen or not, can normalise a training batch of one sample.
bool trains_on_one(const Model& model, const ProgramSettings& settings, const Shape& sample);

}  // namespace firn
