// Carries out a freeze policy in a run: what is frozen, rates, statistics, and the log of what changed.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "optim/block_statistics.h"
#include "optim/optimizer.h"
#include "optim/policy.h"
#include "optim/trainer/extension.h"
#include "optim/trainer/probe.h"

namespace firn {

struct FreezerOptions {
  PolicyPtr policy = nullptr;            ///< null: the model's own set is in force
  std::vector<double> block_rates = {};  ///< a factor for each block of the model; empty: all 1
  Index thaw_warm_up = 0;                ///< steps over which a thawed block's rate rises to its own
};

/// The blocks of which something trains, as a policy is shown them.
std::vector<PolicyBlock> policy_blocks(const Model& model);

/// One run's freezing. With a policy, what the model's own set freezes when this is made stays frozen and all
/// else belongs to the policy; without one the model's own set is in force in each step as it then stands.
/// When the run is over the optimizer's rates are as before. A block trains when a parameter of it does,
/// running statistics aside.
class Freezer final : public TrainerExtension {
 public:
  Freezer(Model& model, Optimizer& optimizer, FreezerOptions options);
  ~Freezer() override;

  /// Tells the policy of the run, whose blocks are filled in here. Throws Error(usage) when it does not fit.
  void bind(PolicyStart run) const;
  /// What is frozen in the first step of the run; the policy is introduced.
  FreezeSet first_set(const PolicyStart& run) const;
  /// Begins a run: introduces the policy, gives new values to the blocks that it renews, and takes a
  /// batch of `samples` as the probe. Throws what `bind` throws.
  void begin_run(const RunStart& start) override;

  std::vector<StepField> sets() const override { return {StepField::freeze}; }
  /// Decides the step's set, sets its rates and says what has changed; valid until the next call.
  void before_step(StepMoment& now) override;
  /// The set of the step that was decided last, at first of the model.
  const FreezeSet& set() const { return set_; }
  /// Around the optimizer's update, for the statistics.
  void after_backward(StepMoment& now) override;
  void after_update(StepMoment& now) override;

  /// The model's own set is left to others.
  void save(const StateWriter& to) const override;
  void load(const StateReader& from, const History& history) override;

  /// Whether the policy decides when it trains, and not the model's own set.
  bool owns(const Parameter& parameter) const { return policy_ && kept_.trains(parameter); }

 private:
  /// The policy's greatest factor of a block that trains; 1 without a policy.
  double greatest_rate() const;
  /// Of the blocks with parameters, now.
  double trained_share() const;
  struct Block {
    std::vector<ParameterPtr> parameters;
    bool trains = true;
    double rate = 1;       ///< the factor that the optimizer has
    Index warm_steps = 0;  ///< left until the rate is its own
  };
  /// What the policy freezes by `plan`, beside what stays frozen.
  FreezeSet set_of(std::span<const BlockPlan> plan) const;
  /// Brings `set_` up to date; nothing is allocated where it is.
  void update_set();
  void renew(std::size_t shown, std::uint64_t seed);
  void set_rate(std::size_t block, double rate);
  /// What `block_rates` says.
  double usual_rate(std::size_t block) const {
    return options_.block_rates.empty() ? 1 : options_.block_rates[block];
  }
  static bool any_trains(const Block& block, const FreezeSet& set);

  Model& model_;
  Optimizer& optimizer_;
  FreezerOptions options_;
  PolicyPtr policy_;
  std::vector<Block> blocks_;       // of the model
  std::vector<PolicyBlock> shown_;  // to the policy
  std::vector<BlockPlan> plan_;     // of those shown
  std::vector<int> place_;          // among those shown, by block of the model; -1: not shown
  std::unique_ptr<BlockStatisticsCollector> statistics_;
  std::unique_ptr<Probe> probe_;
  std::vector<Activations> outputs_;
  Needs needs_;
  std::vector<FreezeChange> changes_;
  FreezeSet kept_;            // frozen for good, under a policy
  FreezeSet set_, within_;    // of the step; what the policy said of blocks that train
  std::vector<bool> trains_;  // of those shown, as `set_` has it
};

/// Puts what the freezer changes into the run's history and tells its observer.
class FreezeLog final : public TrainerExtension {
 public:
  std::vector<StepField> reads() const override { return {StepField::freeze}; }
  void before_step(StepMoment& now) override;
};

}  // namespace firn
