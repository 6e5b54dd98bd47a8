// A session and how it is trained, made into loaders, an optimizer and a trainer.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "optim/trainer/trainer.h"
#include "tools/app/run/caching.h"
#include "tools/app/run/freezing.h"
#include "tools/app/run/options.h"
#include "tools/app/run/policy.h"
#include "tools/app/run/session.h"
#include "tools/app/run/training.h"

namespace firn::cli {

/// How a session is trained.
struct LearningChoice {
  TrainingChoice training;  ///< resolved (`resolve_training`)
  FreezeChoice freeze;      ///< applied to the model already (`apply_freeze`)
  PolicyChoice policy;
  CacheChoice cache;
  RunChoice run;  ///< with its batch
  bool audit_steps = false;
  bool keep_best = true;
};

/// All that a run is made of; the session must outlive it.
class Learning {
 public:
  /// `config`: what is decided already, of `make_config`. Notes go to the session, and that it is trained on
  /// mirror images to its recipe. Throws Error(usage) for what does not fit.
  Learning(Session& session, const LearningChoice& choice, TrainConfig config);

  Loader& train() { return *train_; }
  /// Null where there is no validation part.
  Loader* validation() { return validation_ ? &*validation_ : nullptr; }
  /// Of the loaders that judge: in order, without augmentation.
  const LoaderOptions& judging() const { return options_; }
  Optimizer& optimizer() { return *optimizer_; }
  Trainer& trainer() { return *trainer_; }
  const TrainConfig& config() const { return config_; }
  const std::vector<Thaw>& thaws() const { return thaws_; }
  /// With what the data made of the classes' weights.
  const TrainingChoice& training() const { return training_; }

 private:
  TrainingChoice training_;
  TrainConfig config_;
  std::vector<Thaw> thaws_;
  LoaderOptions options_;
  std::optional<Loader> train_, validation_;
  std::unique_ptr<Optimizer> optimizer_;
  std::optional<Trainer> trainer_;
};

}  // namespace firn::cli
