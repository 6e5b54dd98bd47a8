// One cut trained as the command that advise prints would train it.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tools/app/run/caching.h"
#include "tools/app/run/finetuning.h"
#include "tools/app/run/training_cost.h"

namespace firn::cli {

/// How the command trains: of `firn finetune` where there are weights, else of `firn train`.
struct TrialChoice {
  bool finetune = false;
  bool replace_head = false;
  TrainingChoice training = {};  ///< as given; what was left open is filled in for each cut
  Index batch = 64;
  std::uint64_t seed = 1;
  bool exact = false;
};

struct TrialResult {
  double accuracy = 0;  ///< of the best epoch, on the validation part
  Index epoch = 0;
  double seconds = 0;  ///< all steps and evaluations
};

/// A cut on a copy of the session's model, ready to be trained. The session must outlive it.
class Trial {
 public:
  /// Throws what the command would throw for this cut.
  Trial(const Session& session, const TrialChoice& choice, Index frozen);

  Index epochs() const { return config_.epochs; }
  Index steps() const;
  /// Prices what the machine does not know yet; `each` as in `forecast`.
  TrainingCost cost(Machine& machine, const std::function<void(Index)>& each);
  /// Trains it to the end, with the numbers that the command would come to; nothing when it was stopped.
  /// Once.
  std::optional<TrialResult> run(const std::function<bool()>& stop);

 private:
  const Session& session_;
  TrialChoice choice_;
  TrainConfig config_;
  ModelPtr model_;
  std::unique_ptr<Loader> train_, validation_;
  std::unique_ptr<Optimizer> optimizer_;
  std::unique_ptr<Trainer> trainer_;
};

/// The session's model with its weights, for itself.
ModelPtr copy_of(const Session& session);

}  // namespace firn::cli
