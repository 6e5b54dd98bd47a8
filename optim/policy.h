// Freezing while training: what decides before each step which blocks train, and at what rate.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/graph/freeze_set.h"

namespace firn {

class StateReader;
class StateWriter;

/// A block as a policy sees it: what of it the policy may freeze and thaw. Blocks of which nothing is left
/// (all is frozen for good) are not shown.
struct PolicyBlock {
  int number = 0;  ///< in the model, counted from 0
  std::string name;
  std::vector<Parameter*> parameters;  ///< running statistics among them
};

/// What a policy is told before the first step.
struct PolicyStart {
  std::vector<PolicyBlock> blocks;  ///< from the input to the head
  int model_blocks = 0;             ///< of the model, shown or not
  Index epochs = 1;
  Index steps_per_epoch = 1;
  std::uint64_t seed = 0;
};

/// What is known of a block. A number that nobody needed in the last step stays as it was.
struct BlockStatistics {
  bool trains = true;        ///< it had a gradient in the last step
  double gradient_norm = 0;  ///< 2-norm of the last step's gradient; 0 where the block is frozen
  double weight_norm = 0;    ///< 2-norm of the weights before the last update, frozen or not
  double gradient_sum = 0;   ///< 1-norm of the sum of the gradients since the last time that it was taken
  /// Mean of abs((W_prev - W) / W_prev) over the elements with W_prev != 0, as of the last time that the
  /// block trained; infinite before.
  double change = std::numeric_limits<double>::infinity();
  double distance = 0;  ///< P: how far its activations are from the reference's, see `similarity_distance`
};

/// The statistics that a policy needs of one step. Each costs a pass over what it reads, and nothing is done
/// for one that is not needed.
struct Needs {
  bool gradient_norms = false;
  bool weight_norms = false;
  bool without_norms = false;   ///< of these two: scales and shifts of normalisations do not count
  bool add_gradients = false;   ///< add the step's gradients to their sums
  bool gradient_sums = false;   ///< behind the step: take the norms of the sums, begin them anew
  bool keep_weights = false;    ///< before the update: keep the weights that train
  bool weight_changes = false;  ///< behind the update: compare with those kept
  bool distances = false;       ///< behind the update: compare the probe's activations with the reference's
  bool reference = false;       ///< behind that: let these activations be the reference
};

/// A step that is about to be made.
struct PolicyMoment {
  Index step = 0;   ///< steps made so far, over all epochs
  Index epoch = 0;  ///< counted from 0
  Index step_of_epoch = 0;
  double schedule_factor = 1;  ///< of the rate, by the schedule
  double epoch_loss = 0;       ///< mean of the epoch before; 0 in the first one
  std::span<const BlockStatistics> blocks = {};
};

/// What a policy decides of one block.
struct BlockPlan {
  bool trains = true;
  double rate = 1;  ///< a factor on the block's rate
};

/// Decides step by step. Sees parameters and statistics, never layers or data. Deterministic: a function of
/// what it is told; what is random in it depends on the seed and on `set_data`.
class FreezePolicy {
 public:
  virtual ~FreezePolicy() = default;
  FreezePolicy() = default;
  FreezePolicy(const FreezePolicy&) = delete;
  FreezePolicy& operator=(const FreezePolicy&) = delete;

  /// Begins anew. Throws Error(usage) for a run that the policy does not fit.
  void start(PolicyStart start);
  /// Has the draws of later starts depend on a fingerprint of the data too, so that the same seed is not the
  /// same luck on every set. Without it they depend on the seed alone.
  void set_data(std::string_view fingerprint);

  /// One line that says what it does, with the numbers in force; of a started policy.
  virtual std::string text() const = 0;
  /// Called once before each step, in order. `plan` has an entry for each block of the start and stays as it
  /// is left; at first everything trains at rate 1.
  virtual void decide(const PolicyMoment& now, std::span<BlockPlan> plan) = 0;
  /// What to collect in the step that was just decided.
  virtual Needs needs(const PolicyMoment&) const { return {}; }
  /// What does not train of blocks that do: parameters, or units of them. Beside `decide`; of a started
  /// policy.
  virtual const FreezeSet& frozen_within() const { return nothing_; }
  /// Whether it may at some time freeze a weight of the last block before that has trained; of a started
  /// policy.
  virtual bool freezes_head() const { return false; }
  /// Whether a new head is better drawn than zero: a frozen head of zeros hands no gradient down, and norms
  /// relative to zero are infinite.
  virtual bool wants_drawn_head() const { return freezes_head(); }
  /// Whether the parameters of a block get new random values before the first step.
  virtual bool reinitialises(std::size_t) const { return false; }
  /// Whether it ever needs `distances`: then a probe is kept.
  virtual bool wants_activations() const { return false; }
  /// Whether chance decides something.
  virtual bool draws() const { return false; }
  /// Whether what it decides of a step depends on how many epochs there are.
  virtual bool depends_on_epochs() const { return false; }
  /// Whether its rates take the place of the schedule's.
  virtual bool replaces_schedule() const { return false; }

  /// What it has to remember of a run, to go on with it later. `load` comes behind `start`, with the same
  /// blocks; what was decided last is remembered by others.
  virtual void save(const StateWriter&) const {}
  /// Throws Error(model_file) for values that cannot be its own.
  virtual void load(const StateReader&) {}

 protected:
  virtual void begin() {}

  const PolicyStart& run() const { return start_; }
  std::size_t block_count() const { return start_.blocks.size(); }
  Index all_steps() const { return start_.epochs * start_.steps_per_epoch; }
  const std::string& block_name(std::size_t block) const { return start_.blocks[block].name; }

 private:
  PolicyStart start_;
  std::uint64_t data_ = 0;
  FreezeSet nothing_;
};

using PolicyPtr = std::shared_ptr<FreezePolicy>;

}  // namespace firn
