// The weights of a run's best epoch, beside those that go on.
#pragma once

#include <map>
#include <vector>

#include "layers/weights.h"
#include "optim/state.h"
#include "optim/trainer/run_parameters.h"

namespace firn {

/// Holds copies, in the layout of files, of what has changed since the run began and of nothing else: what
/// stays frozen is not copied.
class BestWeights {
 public:
  /// `parameters` outlives it. Not `wanted`: nothing is ever kept.
  BestWeights(const RunParameters& parameters, bool wanted) : parameters_(parameters), wanted_(wanted) {}

  /// Forgets everything: there is no best epoch.
  void begin();
  /// The weights as they are now are the best.
  void keep();
  /// Before a step with this set: what trains for the first time still is as it was in the best epoch.
  void keep_thawed(const FreezeSet& freeze);
  /// Puts them into the model; without a best epoch the model stays as it is.
  void restore() const;
  /// All of them; the present ones where none were kept.
  std::vector<NamedTensor> weights() const;
  /// The present values of what `restore` would replace.
  std::vector<std::pair<ParameterPtr, Tensor>> replaced() const;

  /// Only what differs from the present weights.
  void save(const StateWriter& to) const;
  /// Behind `begin`, with the weights that were present at `save` in the model. `exists`: there was a best
  /// epoch.
  void load(const StateReader& from, bool exists);

 private:
  const RunParameters& parameters_;
  bool wanted_;
  bool exists_ = false;
  std::map<const Parameter*, Tensor> kept_;
};

}  // namespace firn
