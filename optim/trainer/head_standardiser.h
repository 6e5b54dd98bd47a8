// The standardised head of a run: what it has to know of its features is measured before it trains.
#pragma once

#include <memory>

#include "optim/standardised_head.h"
#include "optim/trainer/extension.h"
#include "optim/trainer/feature_cache.h"

namespace firn {

/// How a new head is trained.
struct HeadConfig {
  bool standardised =
      false;  ///< as if its features were (`StandardisedHead`), by up to 1024 training samples
  /// The prior: logits of standardised features that are independent have this deviation, so each weight the
  /// variance deviation² / features. 0: none.
  double logit_deviation = 0;
};

/// The model's last layer, a dense one, trained as a `StandardisedHead`. Mean and deviation are measured
/// before the first step that has none: of what the head reads of the first 1024 samples of the epoch,
/// without augmentation, as it will be asked; where their features are kept these are among them.
class HeadStandardiser final : public TrainerExtension {
 public:
  /// Whether `model` ends in a dense layer with a bias, as such a head has to.
  static bool fits(const Model& model);
  /// Null where the config does not ask for it. Throws Error(usage) where the model does not fit. All
  /// outlive it.
  static std::unique_ptr<HeadStandardiser> make(const Model& model, ProgramCache& programs,
                                                FeatureCache& features, Loader& train,
                                                const HeadConfig& config);
  HeadStandardiser(const Model& model, ProgramCache& programs, FeatureCache& features, Loader& train,
                   Parameter& weight, Parameter& bias, double decay)
      : model_(model), programs_(programs), features_(features), train_(train), head_(weight, bias, decay) {}

  std::vector<StepField> reads() const override { return {StepField::freeze, StepField::content}; }
  std::vector<StepField> sets() const override { return {StepField::content, StepField::gradients}; }
  void begin_run(const RunStart&) override { head_.forget(); }
  void before_step(StepMoment& now) override;
  void before_update(StepMoment& now) override { now.gradients = head_.enter(now.gradients); }
  void after_update(StepMoment&) override { head_.leave(); }
  void step_failed() override { head_.abandon(); }
  void save(const StateWriter& to) const override { head_.save(to); }
  void load(const StateReader& from, const History&) override { head_.load(from); }

 private:
  void measure(const StepMoment& now);

  const Model& model_;
  ProgramCache& programs_;
  FeatureCache& features_;
  Loader& train_;
  StandardisedHead head_;
};

}  // namespace firn
