// What training steps cost: measured alone on one thread, and predicted from the step that trains everything.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "optim/trainer/feature_cache.h"
#include "tools/app/study/material.h"
#include "tools/app/study/store.h"

namespace firn::cli {

/// The step of one model on one target that trains everything, timed.
class FullStep {
 public:
  /// Compiles and times it; the calling thread's regions must run on one thread.
  FullStep(const Materials& materials, const Arm& arm);

  /// Seconds of a training step of another program of that model, on the same batch: its run, Adam's update
  /// of what it trains, and the preparation of the batch.
  double predict(const Program& other) const;
  /// The same of what lies behind kept features, which are not counted as time to read.
  double predict_kept(const Program& head) const;
  /// MACs of its step.
  double macs() const;
  /// Of the forward pass.
  double forward_seconds() const;
  /// Of a batch as it is timed: of token sets as wide as the first of them.
  Index batch() const { return batch_; }
  const Shape& sample() const { return sample_; }

  /// One step of a static arm: measured now, and predicted.
  ArmCost cost_of_arm(const Materials& materials, const Arm& arm) const;

 private:
  std::unique_ptr<Loader> loader_;
  const Batch* first_ = nullptr;
  Index batch_ = 0;
  Shape sample_;
  ModelPtr model_;
  std::unique_ptr<ProgramCache> programs_;
  const Program* program_ = nullptr;
  std::vector<double> seconds_;
  double update_seconds_ = 0, batch_seconds_ = 0;
};

/// Equal for arms that need not be told apart when a step is priced.
std::string program_name(const Arm& arm);

/// The settings that an arm's programs are compiled with.
ProgramSettings program_settings(const Arm& arm, std::uint64_t seed, TaskPtr task);

/// Full steps by model, data and batch.
class Costs {
 public:
  explicit Costs(const Materials& materials) : materials_(materials) {}
  /// Measured at the first call for such an arm.
  const FullStep& measure(const Arm& arm);
  /// Requires an earlier `measure`; for any number of threads.
  const FullStep& find(const Arm& arm) const { return *steps_.at(name_of(arm)); }

  /// Equal for arms that share one.
  static std::string name_of(const Arm& arm);
  /// What the timing of a step takes that runs so long.
  static double timing_seconds(double step);

 private:
  const Materials& materials_;
  std::map<std::string, std::unique_ptr<FullStep>> steps_;
};

}  // namespace firn::cli
