// What takes part in a training run beside the forward pass, the backward pass and the update.
#pragma once

#include <initializer_list>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "optim/state.h"
#include "optim/trainer/step_moment.h"

namespace firn {

struct ProgramSettings;

/// What extensions hand to each other within a step, fields of `StepMoment`.
enum class StepField {
  freeze,     ///< what is frozen, and rates
  content,    ///< what the loader gives, and features that are kept
  program,    ///< the program that makes the step
  gradients,  ///< those of the backward pass give way to others
};

/// A run that begins.
struct RunStart {
  PolicyStart run = {};  ///< its blocks are the freezer's
  const ProgramSettings* settings = nullptr;
  Loader* samples = nullptr;  ///< of the training part
};

/// Takes part in a run in the phases that it overrides. Those of a step, in their order:
///
///   before_step, (the loader gives a batch) before_forward, (forward and backward pass) after_backward,
///   before_update, (the optimizer's step) after_update
///
/// and of an epoch: after_steps, before_evaluation, end_epoch. Within a phase extensions are called in the
/// order of their list, in after_update and step_failed in the reverse one, so that who changes something
/// last takes it back first. Nothing here may allocate in every step.
class TrainerExtension {
 public:
  virtual ~TrainerExtension() = default;
  TrainerExtension() = default;
  TrainerExtension(const TrainerExtension&) = delete;
  TrainerExtension& operator=(const TrainerExtension&) = delete;

  /// Fields of the moment that must be set when this is called, and fields that it sets. A list refuses an
  /// extension that reads what nothing before it sets.
  virtual std::vector<StepField> reads() const { return {}; }
  virtual std::vector<StepField> sets() const { return {}; }

  /// Begins anew: what an earlier run left is forgotten.
  virtual void begin_run(const RunStart&) {}
  virtual void before_step(StepMoment&) {}
  virtual void before_forward(StepMoment&) {}
  virtual void after_backward(StepMoment&) {}
  virtual void before_update(StepMoment&) {}
  virtual void after_update(StepMoment&) {}
  /// The step has thrown behind `before_forward`: weights and statistics are to be those of the step before.
  virtual void step_failed() {}
  /// The steps of an epoch are made, or it was stopped.
  virtual void after_steps() {}
  /// The validation part is about to be looked at.
  virtual void before_evaluation(const FreezeSet&) {}
  /// Its record is the last of the history; `best`: no epoch has a greater merit.
  virtual void end_epoch(const History&, bool /*best*/) {}
  /// Nothing is trained any more; the history may be completed. Not where the run has thrown.
  virtual void end_run(History&) {}

  /// What it has to remember between two steps. `load` comes behind `begin_run`, when weights and history are
  /// those of the file; throws Error(model_file) for what cannot be its state.
  virtual void save(const StateWriter&) const {}
  virtual void load(const StateReader&, const History&) {}
};

/// The extensions of a run, in their order.
class Extensions {
 public:
  /// `name` is what its state goes by. Throws Error(usage) for a name that is taken, and for an extension
  /// that reads a field that no one before it sets.
  void add(std::string name, TrainerExtension& extension);
  void clear() { all_.clear(); }

  /// Calls one phase on all, in order or in reverse.
  template <class... Given, class... Wanted>
  void call(void (TrainerExtension::*phase)(Wanted...), Given&&... with) const {
    for (const auto& [name, extension] : all_) (extension->*phase)(with...);
  }
  template <class... Given, class... Wanted>
  void call_reversed(void (TrainerExtension::*phase)(Wanted...), Given&&... with) const {
    for (std::size_t i = all_.size(); i-- > 0;) (all_[i].second->*phase)(with...);
  }

  void save(const StateWriter& to) const;
  void load(const StateReader& from, const History& history) const;

 private:
  std::vector<std::pair<std::string, TrainerExtension*>> all_;
};

}  // namespace firn
