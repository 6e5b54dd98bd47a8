// Update rules: from gradients to new parameter values.
#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "engine/kernels/update.h"
#include "engine/program/program.h"

namespace firn {

class StateReader;
class StateWriter;

struct StepOptions {
  double rate_factor = 1;  ///< from the schedule
  double clip_norm = 0;    ///< the gradients together are scaled down to this 2-norm (Pascanu 2013); 0: not
};

/// What a step found out on its way.
struct StepReport {
  double gradient_norm = 0;  ///< 2-norm of all gradients together, before clipping
};

/// Applies one update rule to the parameters that train. A parameter's state is made when it is first
/// updated; one that is not among the gradients (frozen) is not visited, and its state is dropped unless
/// `keep_state` is set. Gradients are read, never edited. Updates are cut by the parameters' sizes, so the
/// bits do not depend on threads.
class Optimizer {
 public:
  virtual ~Optimizer() = default;
  Optimizer() = default;
  Optimizer(const Optimizer&) = delete;
  Optimizer& operator=(const Optimizer&) = delete;

  /// "sgd(momentum 0.9, decay 0.0005)"
  virtual std::string text() const = 0;
  /// The base rate that schedules scale.
  virtual double rate() const = 0;

  /// One update. Throws Error(non_finite) naming the first parameter whose gradient holds a NaN or an
  /// infinity; then no parameter has changed.
  StepReport step(std::span<const GradientView> gradients, const StepOptions& options = {});

  /// The rate of one parameter is the base rate times this; 1 until set.
  void set_multiplier(const Parameter& parameter, double multiplier) {
    multipliers_[&parameter] = multiplier;
  }
  void clear_multipliers() { multipliers_.clear(); }
  /// Whether the state of a parameter that is not updated in a step is kept for later; false at first. What
  /// is kept has its momentum multiplied by `momentum_decay` for each step that it missed (second moments
  /// stay as they are).
  void set_keep_state(bool keep, double momentum_decay = 1) {
    keep_state_ = keep;
    momentum_decay_ = momentum_decay;
  }

  /// The state of one parameter: as many tensors as the rule wants, of the gradient's shape (the compact one
  /// where only some units train), and its own step count. When other units train than before, those that go
  /// on keep their numbers, the new ones begin with zeros.
  struct State {
    std::vector<Tensor> slots;
    std::vector<UnitRange> trains;  ///< units that the slots are for; empty: all
    std::int64_t steps = 0;
    bool seen = false;
    std::int64_t missed = 0;  ///< steps since its last update
  };
  /// Null when the parameter has none.
  const State* state(const Parameter& parameter) const;
  void set_state(const Parameter& parameter, State state) { states_[&parameter] = std::move(state); }
  std::size_t parameters_with_state() const { return states_.size(); }
  /// How many tensors of its own shape a parameter's state has.
  int slots_of_a_parameter() const { return slots(); }
  /// Bytes of all states.
  Index state_bytes() const;
  /// The states of these parameters, by their names, each parameter once. `load` replaces all states; throws
  /// Error(model_file) for what cannot be the state of one of them under this rule.
  void save(std::span<const ParameterPtr> parameters, const StateWriter& to) const;
  void load(std::span<const ParameterPtr> parameters, const StateReader& from);

 protected:
  /// How many tensors a parameter's state has.
  virtual int slots() const = 0;
  /// Which of them holds momentum; -1: none.
  virtual int momentum_slot() const = 0;
  /// Updates `count` elements that begin at `first`; `state.steps` counts this update already. Called on
  /// several threads for different elements.
  virtual void update(const State& state, double rate, double gradient_scale, Index first, Index count,
                      const real* gradient, real* value) const = 0;

 private:
  struct Piece {
    std::size_t which;
    Index first, count;
  };
  void cut(std::span<const GradientView> gradients);
  void resume(State& state) const;
  void fit(State& state, const GradientView& gradient) const;
  void update_part(const State& state, double rate, double gradient_scale, const GradientView& gradient,
                   Index first, Index count) const;

  std::unordered_map<const Parameter*, State> states_;
  std::unordered_map<const Parameter*, double> multipliers_;
  bool keep_state_ = false;
  double momentum_decay_ = 1;
  std::vector<Piece> pieces_;
  std::vector<std::pair<State*, double>> jobs_;
  std::vector<double> squares_;
};

/// Stochastic gradient descent with momentum (Polyak 1964), Nesterov's variant (Sutskever 2013) and L2 decay,
/// as torch.optim.SGD.
struct SgdConfig {
  double rate = 0.01, momentum = 0, dampening = 0, decay = 0;
  bool nesterov = false;
};
/// Adam (Kingma and Ba 2015) as torch.optim.Adam; with `decoupled` decay AdamW (Loshchilov and Hutter 2019).
struct AdamConfig {
  double rate = 1e-3, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, decay = 0;
  bool decoupled = false;
};
/// RMSprop (Hinton, lecture 6e), as torch.optim.RMSprop.
struct RmspropConfig {
  double rate = 0.01, alpha = 0.99, epsilon = 1e-8, momentum = 0, decay = 0;
};

/// Throw Error(usage) for values out of range.
std::unique_ptr<Optimizer> make_sgd(const SgdConfig& config);
std::unique_ptr<Optimizer> make_adam(const AdamConfig& config);
std::unique_ptr<Optimizer> make_rmsprop(const RmspropConfig& config);

}  // namespace firn
