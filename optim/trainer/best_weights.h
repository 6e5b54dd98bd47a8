// The weights of a run's best epoch, beside those that go on.
#pragma once

#include <map>
#include <vector>

#include "layers/weights.h"
#include "optim/trainer/extension.h"
#include "optim/trainer/run_parameters.h"

namespace firn {

/// Holds copies, in the layout of files, of what has changed since the run began and of nothing else: what
/// stays frozen is not copied.
class BestWeights final : public TrainerExtension {
 public:
  enum class Wanted {
    no,        ///< nothing is ever kept
    kept,      ///< for those who ask
    restored,  ///< they are in the model when the run ends
  };
  /// `parameters` outlives it.
  BestWeights(const RunParameters& parameters, Wanted wanted) : parameters_(parameters), wanted_(wanted) {}

  std::vector<StepField> reads() const override { return {StepField::freeze}; }
  void begin_run(const RunStart&) override { begin(); }
  void before_forward(StepMoment& now) override { keep_thawed(*now.freeze); }
  void end_epoch(const History& history, bool best) override;
  void end_run(History& history) override;

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
  void save(const StateWriter& to) const override;
  /// With the weights that were present at `save` in the model.
  void load(const StateReader& from, const History& history) override;

 private:
  const RunParameters& parameters_;
  Wanted wanted_;
  bool exists_ = false;
  std::map<const Parameter*, Tensor> kept_;
};

}  // namespace firn
