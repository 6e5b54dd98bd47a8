// What a run leaves behind, and who is told while it goes on.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "optim/trainer/evaluate.h"
#include "optim/trainer/step_moment.h"

namespace firn {

struct CacheEvent;

/// One epoch as it went.
struct EpochRecord {
  Index epoch = 0;              ///< counted from 1
  double loss = 0;              ///< mean over the samples, before each step's update
  double validation_score = 0;  ///< of the last evaluation: the headline of the task's metrics
  double validation_loss = 0;
  std::vector<double> validation_metrics = {};  ///< all of them, as `Task::metrics` has them
  double rate = 0;           ///< of the last step: the greatest of any block, `block_rates` aside
  double gradient_norm = 0;  ///< mean over the steps
  double seconds = 0;        ///< of training alone
  double eval_seconds = 0;
  double rss_mb = 0;  ///< greatest resident memory of the process so far
  Index steps = 0;
  bool evaluated = false;
  bool validated = false;    ///< there is a validation part, and this or an earlier epoch was evaluated
  double trained_share = 0;  ///< of the blocks, mean over the steps
};

/// What a `FrozenAudit` found.
struct AuditReport {
  Index watched = 0;                      ///< tensors that were frozen for an epoch's beginning or longer
  Index in_part = 0;                      ///< of these: never as a whole
  std::vector<std::string> changed = {};  ///< of these: what changed while it was frozen
  Index unchanged() const { return watched - static_cast<Index>(changed.size()); }
};

struct History {
  std::vector<EpochRecord> epochs;
  Index best_epoch = 0;  ///< of the greatest merit on the validation part (`Task::merit`: accuracy, say), the
                         ///< last of equals; 0: none was evaluated
  double best_score = 0;  ///< of that epoch, on the validation part
  bool stopped_early = false;
  bool interrupted = false;
  double step_seconds = 0;                 ///< of all steps that this process made
  double waiting_seconds = 0;              ///< of these: for a batch that was not ready
  AuditReport audit = {};                  ///< of what was frozen, resumed runs as a whole
  std::vector<FreezeChange> changes = {};  ///< blocks that stopped or began to train, against the start
  Evaluation last_evaluation = {};         ///< of the validation part
};

/// Observers; each may be empty. They may edit the model's own freeze set: the next step has the new one.
/// With a policy, what trained at the start belongs to it, and the policy prevails.
struct TrainHooks {
  std::function<void(Index epoch)> before_epoch = {};  ///< counted from 1; not when resumed within an epoch
  std::function<void(Index step, Index steps, double loss)> after_step =
      {};  ///< of the epoch, counted from 1
  std::function<void(const EpochRecord&)> after_epoch;
  /// Asked after each step and each batch of an evaluation. An epoch that ends within its steps is evaluated
  /// and recorded; one that ends within its evaluation is not. Where ranks share the work it must say the
  /// same on all of them (`Communicator::greatest`).
  std::function<bool()> stop = {};
  /// Before a step that trains other blocks than the one before.
  std::function<void(std::span<const FreezeChange>)> on_freeze = {};
  /// What becomes of the features of the frozen part.
  std::function<void(const CacheEvent&)> on_cache = {};
};

}  // namespace firn
