// Where model, data and optimizer meet.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "data/loader.h"
#include "optim/optimizer.h"
#include "optim/schedule.h"
#include "optim/state.h"
#include "optim/trainer/best_weights.h"
#include "optim/trainer/can_learn.h"
#include "optim/trainer/evaluate.h"
#include "optim/trainer/extension.h"
#include "optim/trainer/feature_cache.h"
#include "optim/trainer/freezer.h"
#include "optim/trainer/frozen_audit.h"
#include "optim/trainer/head_standardiser.h"
#include "optim/trainer/history.h"
#include "optim/trainer/program_cache.h"
#include "optim/trainer/run_parameters.h"

namespace firn {

struct TrainConfig {
  Index epochs = 1;
  Schedule schedule = constant_schedule();
  double clip_norm = 0;  ///< 0: gradients are not clipped
  /// Epochs of no greater merit on the validation part (`Task::merit`: accuracy, say) before training ends;
  /// 0: never early.
  Index patience = 0;
  bool restore_best = false;             ///< leave the best epoch's weights in the model
  bool keep_best = false;                ///< keep them for `best_weights`
  std::vector<double> block_rates = {};  ///< a factor on the rate for each block; empty: all 1
  Index evaluate_every = 1;              ///< epochs; the last one is always evaluated
  ProgramSettings program = {};
  PolicyPtr policy = nullptr;  ///< what decides what trains; null: the model's own set, as hooks may edit it
  Index thaw_warm_up = 0;      ///< steps over which the rate of a thawed block rises to its own
  CacheConfig cache = {};      ///< whether the output of what is frozen is kept across epochs
  HeadConfig head = {};
  bool audit_steps = false;  ///< hash what is frozen after every step; a change is an Error(failure)
  /// Of your own, behind the trainer's (`Trainer::list_extensions`): their names, which their state in
  /// checkpoints goes by, and what outlives the trainer.
  std::vector<std::pair<std::string, TrainerExtension*>> extensions = {};
};

/// Trains `model` on `train`; all choices are made on `validation`. Never prints. Rates scale per block; a
/// parameter that is frozen is not visited, whenever it is frozen; thawing needs nothing further.
class Trainer {
 public:
  /// Where `config.program` has no task it is the one that the data asks for (`task_of`).
  /// Throws Error(usage) for a config that makes no sense, for a policy that does not fit the model, and
  /// where a standardised head is asked for of a model that does not end in a dense layer with a bias.
  Trainer(Model& model, Optimizer& optimizer, Loader& train, Loader& validation, TrainConfig config)
      : Trainer(model, optimizer, train, &validation, std::move(config)) {}
  /// Without a validation part nothing is evaluated or chosen: the best weights are the last ones. Throws
  /// Error(usage) for a patience too.
  Trainer(Model& model, Optimizer& optimizer, Loader& train, TrainConfig config)
      : Trainer(model, optimizer, train, nullptr, std::move(config)) {}

  /// Throws Error(non_finite) when a loss or a gradient is no number; the weights are then those of the step
  /// before. Throws Error(usage) when everything is frozen.
  History run(const TrainHooks& hooks = {});

  /// Writes all that a run needs to go on to the bit; called from a hook other than `before_epoch` and
  /// `on_freeze`. Weights are written that are not among `in_base` (by their names in the model), or have
  /// changed since the run began: the others are those of the base, a file with the weights that the run
  /// began with. So nothing is written of a tensor that stays frozen.
  void save(const StateWriter& to, const std::set<std::string>& in_base = {}) const;
  /// The weights alone, as `save` writes them; also behind a run.
  void save_weights(const StateWriter& to, const std::set<std::string>& in_base = {}) const;
  /// The next `run` goes on where `save` was called. The trainer is made as it was for that run, the model
  /// with the base's weights and the freeze set that it began with; it may have more epochs than that run,
  /// where `why_no_beginning` has nothing to say. Throws Error(usage) naming what differs from that run,
  /// Error(model_file) for what cannot be its state.
  void resume(const StateReader& from, const std::set<std::string>& in_base = {});

  /// What of a run of so many epochs would have been otherwise in one of `longer`: "the rates of its schedule
  /// depend on the number of epochs". Empty: nothing, so that a trainer with more epochs can resume it.
  std::string why_no_beginning(Index epochs, Index longer) const;

  /// The weights of the best epoch, or the present ones before there is one, in the layout of files; where
  /// `keep_best` or `restore_best` is set.
  std::vector<NamedTensor> best_weights() const;

  /// What the best weights say to a part that no choice was made on, looked at once: behind a run. The model
  /// has its own weights again when it returns or throws.
  Evaluation test(Loader& loader, const std::function<void(const Batch&, const real* logits)>& on_batch = {});

  ProgramCache& programs() { return programs_; }
  const Task& task() const { return programs_.task(); }
  FeatureCache& features() { return features_; }
  const FeatureCache& features() const { return features_; }
  /// Of a run.
  Index epochs() const { return config_.epochs; }
  /// Steps made so far, over all epochs.
  Index steps() const { return step_; }
  /// The epoch in progress, counted from 1.
  Index epoch() const { return run_ ? run_->record.epoch : 1; }
  /// What is frozen in the step of the run in progress, or in the model where there is none.
  FreezeSet freeze_set() const { return freezer_ ? freezer_->set() : model_.freeze_set(); }
  /// Whether the run in progress has no epoch left.
  bool over() const;
  /// Of the run in progress.
  const History* history() const { return run_ ? &run_->history : nullptr; }

 private:
  Trainer(Model& model, Optimizer& optimizer, Loader& train, Loader* validation, TrainConfig config);
  /// A run between two steps.
  struct Run {
    History history = {};
    EpochRecord record = {};  ///< of the epoch in progress; norm and share are sums until it ends
    double loss_sum = 0;
    Index samples = 0;
    bool training = false;  ///< the clock below counts
    double since = 0;
  };
  void list_extensions();
  void begin();
  void end();
  bool train_epoch(const TrainHooks& hooks);
  StepMoment next_step(const TrainHooks& hooks, bool first) const;
  void compute_gradients(StepMoment& now);
  void train_step(StepMoment& now);
  bool evaluate_epoch(const TrainHooks& hooks);
  void end_epoch();
  double seconds_trained() const;
  double merit(const EpochRecord& record) const;
  PolicyStart policy_start() const;
  FreezerOptions freezer_options() const;
  void save_history(const StateWriter& to) const;
  void load_history(const StateReader& from);

  Model& model_;
  Optimizer& optimizer_;
  Loader& train_;
  Loader* validation_;  // null: none
  TrainConfig config_;
  ProgramCache programs_;
  RunParameters parameters_;
  std::unique_ptr<Freezer> freezer_;  // of the run
  FreezeLog freeze_log_;
  FeatureCache features_;
  FrozenAudit audit_;
  std::unique_ptr<HeadStandardiser> head_;  // null: the head is as others
  BestWeights best_;
  StatisticsGuard statistics_;
  OpenPathCheck open_path_;
  Extensions extensions_;  // of the run: those above and the caller's
  Index step_ = 0;
  std::unique_ptr<Run> run_;
};

/// Greatest resident memory of the process so far, in MiB.
double peak_rss_mb();

}  // namespace firn
