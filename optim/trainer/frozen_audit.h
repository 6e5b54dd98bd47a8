// Proof that what is frozen has not changed: SHA-256 of its bytes.
#pragma once

#include <string>
#include <vector>

#include "layers/layer.h"

namespace firn {

struct AuditReport {
  Index watched = 0;                      ///< tensors that were frozen for an epoch's beginning or longer
  std::vector<std::string> changed = {};  ///< of these: what changed while it was frozen
  Index unchanged() const { return watched - static_cast<Index>(changed.size()); }
};

/// Hashes a tensor when it is found frozen, and again when it trains again or the run is over. Tensors are
/// taken up at the beginning of an epoch, so that a policy that freezes other ones in each step costs two
/// hashes a tensor and epoch at most.
class FrozenAudit {
 public:
  explicit FrozenAudit(const std::vector<NamedParameter>& parameters);

  /// Forgets everything.
  void restart();
  /// Takes up what is frozen now; at the first step of an epoch.
  void take_up();
  /// Before every step: judges what trains again.
  void look();
  /// Hashes all that is watched. Throws Error(failure) naming the first tensor that has changed, and `step`.
  void check(Index step) const;
  /// Judges all that is watched still.
  AuditReport finish();

 private:
  struct Watched {
    std::string name;
    ParameterPtr parameter;
    std::string hash;  ///< empty: not watched now
    bool ever = false, changed = false;
  };
  void judge(Watched& one);

  std::vector<Watched> all_;
};

}  // namespace firn
