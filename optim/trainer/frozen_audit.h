// Proof that what is frozen has not changed: SHA-256 of its bytes.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "layers/layer.h"
#include "optim/state.h"

namespace firn {

struct AuditReport {
  Index watched = 0;                      ///< tensors that were frozen for an epoch's beginning or longer
  Index in_part = 0;                      ///< of these: never as a whole
  std::vector<std::string> changed = {};  ///< of these: what changed while it was frozen
  Index unchanged() const { return watched - static_cast<Index>(changed.size()); }
};

/// Hashes a tensor, or the units of it that do not train, when it freezes, and again when it trains again,
/// when other units are frozen, or when the run is over. Tensors are taken up at the beginning of an epoch,
/// so that a policy that freezes other ones in each step costs two hashes a tensor and epoch at most.
class FrozenAudit {
 public:
  explicit FrozenAudit(const std::vector<NamedParameter>& parameters);

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
  void save(const StateWriter& to) const;
  /// Throws Error(model_file) for what cannot be theirs.
  void load(const StateReader& from);

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
};

}  // namespace firn
