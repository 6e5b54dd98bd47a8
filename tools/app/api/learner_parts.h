// What a learner is made of; for its own sources.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "optim/trainer/program_cache.h"
#include "tools/app/api/learner.h"
#include "tools/app/run/imported.h"
#include "tools/app/run/learning.h"
#include "tools/app/run/session.h"

namespace firn {

struct Learner::Parts {
  cli::Session session;  ///< without data, but while it is used
  std::string called;    ///< what errors call its weights
  bool known = false;    ///< the registry's model, with its rule for images
  bool prepared = false;
  bool new_head = false;  ///< the last block waits for the classes of the next fit
  std::vector<std::string> notes = {};
  mutable std::optional<ProgramCache> programs = {};  ///< to ask

  /// Those of another program's network, which errors call `path`.
  static std::unique_ptr<Parts> imported(cli::WeightsFile weights, const std::string& path);
  /// Throws Error(usage) where samples of this kind and shape are not what the model takes.
  void require_samples(const DataInfo& info) const;
  /// Throws Error(usage) where the answers wanted are not as many or of another kind.
  void require_answers(const DataInfo& info) const;
  /// The session with data for training: what it says becomes the recipe's. Throws what does not fit; the
  /// session is as before then.
  void take(const DataParts& data);
  /// The session with `samples` as all of its data.
  cli::Session asked(const DatasetPtr& samples, cli::Purpose purpose) const;
  ProgramCache& asking() const;
  /// The step that trains what is not frozen; the forward pass where nothing does.
  Program& step(ProgramCache& cache, Index batch) const;
};

/// Throws Error(usage) for samples of a batch that there cannot be.
void check_batch(Index batch);
/// Throws Error(usage) for what `firn train` would not take either.
void check_options(const FitOptions& options);
/// The options as the program has them.
cli::LearningChoice learning_choice(const FitOptions& options);

}  // namespace firn
