// Proof that what is frozen has not changed: SHA-256 of its bytes.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "layers/layer.h"
#include "optim/trainer/extension.h"
#include "optim/trainer/history.h"

namespace firn {

/// Hashes a tensor, or the units of it that do not train, when it freezes, and again when it trains again,
/// when other units are frozen, or when the run is over. Tensors are taken up at the beginning of an epoch,
/// so that a policy that freezes other ones in each step costs two hashes a tensor and epoch at most.
class FrozenAudit final : public TrainerExtension {
 public:
  /// `each_step`: everything is hashed after every step, and taken up before it.
  explicit FrozenAudit(const std::vector<NamedParameter>& parameters, bool each_step = false);

  std::vector<StepField> reads() const override { return {StepField::freeze}; }
  void begin_run(const RunStart&) override { restart(); }
  void before_step(StepMoment& now) override;
  void after_update(StepMoment& now) override;
  void end_run(History& history) override;

  /// Forgets everything.
  void restart();
  /// Takes up what `freeze` does not let train; at the first step of an epoch.
  void take_up(const FreezeSet& freeze);
  /// Before a step with another set: verifies the parameters of which other units are frozen now.
  void verify_changed(const FreezeSet& freeze);
  /// Hashes all that is watched. Throws Error(failure) naming the first tensor that has changed, and `step`.
  void check(Index step) const;
  /// Judges all that is watched still.
  AuditReport finish();

  /// What was found so far, and the hashes of what is watched.
  void save(const StateWriter& to) const override;
  void load(const StateReader& from, const History&) override;

 private:
  struct Watched {
    std::string name;
    ParameterPtr parameter;
    std::string hash = {};                       ///< empty: not watched now
    std::optional<TrainableRanges> trains = {};  ///< that trained beside what was hashed; none: nothing did
    bool ever = false, whole = false, changed = false;
    bool frozen_as_hashed(const FreezeSet& freeze) const;
    bool same() const;
    std::string text() const;
  };
  static void judge(Watched& one);

  std::vector<Watched> all_;
  const bool each_step_;
};

}  // namespace firn
