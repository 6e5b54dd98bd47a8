// The update rules behind `make_sgd`, `make_adam` and `make_rmsprop`.
#include <fmt/core.h>

#include <cmath>

#include "engine/base/error.h"
#include "engine/kernels/kernels.h"
#include "optim/optimizer.h"

namespace firn {

namespace {

/// Throws Error(usage) unless low <= value < high; a NaN is out of range.
void require(const char* optimizer, const char* what, double value, double low, double high) {
  if (!(value >= low && value < high)) {
    throw Error(Fault::usage, optimizer, fmt::format("{} {} is not in [{}, {})", what, value, low, high));
  }
}

constexpr double kRuleNoBound = std::numeric_limits<double>::infinity();

/// Where a slot's elements from `first` lie.
real* slot(const Optimizer::State& state, std::size_t which, Index first) {
  return const_cast<real*>(state.slots[which].data()) + first;
}

class Sgd final : public Optimizer {
 public:
  explicit Sgd(const SgdConfig& config) : c_(config) {}
  std::string text() const override {
    return fmt::format("sgd(rate {}, momentum {}, decay {}{})", c_.rate, c_.momentum, c_.decay,
                       c_.nesterov ? ", nesterov" : "");
  }
  double rate() const override { return c_.rate; }

 protected:
  int slots() const override { return c_.momentum != 0 ? 1 : 0; }
  int momentum_slot() const override { return slots() - 1; }
  void update(const State& state, double rate, double gradient_scale, Index first, Index count,
              const real* gradient, real* value) const override {
    SgdRule rule;
    rule.rate = static_cast<real>(rate);
    rule.momentum = static_cast<real>(c_.momentum);
    rule.dampening = static_cast<real>(c_.dampening);
    rule.decay = static_cast<real>(c_.decay);
    rule.gradient_scale = static_cast<real>(gradient_scale);
    rule.nesterov = c_.nesterov;
    rule.first = state.steps == 1;
    kernels().update.sgd(rule, count, gradient, value, state.slots.empty() ? nullptr : slot(state, 0, first));
  }

 private:
  SgdConfig c_;
};

class Adam final : public Optimizer {
 public:
  explicit Adam(const AdamConfig& config) : c_(config) {}
  std::string text() const override {
    return fmt::format("{}(rate {}, betas {} {}, decay {})", c_.decoupled ? "adamw" : "adam", c_.rate,
                       c_.beta1, c_.beta2, c_.decay);
  }
  double rate() const override { return c_.rate; }

 protected:
  int slots() const override { return 2; }
  int momentum_slot() const override { return 0; }
  void update(const State& state, double rate, double gradient_scale, Index first, Index count,
              const real* gradient, real* value) const override {
    AdamRule rule;
    rule.rate = static_cast<real>(rate);
    rule.beta1 = static_cast<real>(c_.beta1);
    rule.beta2 = static_cast<real>(c_.beta2);
    rule.epsilon = static_cast<real>(c_.epsilon);
    rule.decay = static_cast<real>(c_.decay);
    rule.gradient_scale = static_cast<real>(gradient_scale);
    rule.correction1 = static_cast<real>(1 - std::pow(c_.beta1, static_cast<double>(state.steps)));
    rule.correction2 = static_cast<real>(1 - std::pow(c_.beta2, static_cast<double>(state.steps)));
    rule.decoupled = c_.decoupled;
    kernels().update.adam(rule, count, gradient, value, slot(state, 0, first), slot(state, 1, first));
  }

 private:
  AdamConfig c_;
};

class Rmsprop final : public Optimizer {
 public:
  explicit Rmsprop(const RmspropConfig& config) : c_(config) {}
  std::string text() const override {
    return fmt::format("rmsprop(rate {}, alpha {}, momentum {}, decay {})", c_.rate, c_.alpha, c_.momentum,
                       c_.decay);
  }
  double rate() const override { return c_.rate; }

 protected:
  int slots() const override { return c_.momentum != 0 ? 2 : 1; }
  int momentum_slot() const override { return c_.momentum != 0 ? 1 : -1; }
  void update(const State& state, double rate, double gradient_scale, Index first, Index count,
              const real* gradient, real* value) const override {
    RmspropRule rule;
    rule.rate = static_cast<real>(rate);
    rule.alpha = static_cast<real>(c_.alpha);
    rule.epsilon = static_cast<real>(c_.epsilon);
    rule.momentum = static_cast<real>(c_.momentum);
    rule.decay = static_cast<real>(c_.decay);
    rule.gradient_scale = static_cast<real>(gradient_scale);
    kernels().update.rmsprop(rule, count, gradient, value, slot(state, 0, first),
                             state.slots.size() > 1 ? slot(state, 1, first) : nullptr);
  }

 private:
  RmspropConfig c_;
};

}  // namespace

std::unique_ptr<Optimizer> make_sgd(const SgdConfig& config) {
  require("sgd", "rate", config.rate, 0, kRuleNoBound);
  require("sgd", "momentum", config.momentum, 0, 1);
  require("sgd", "decay", config.decay, 0, kRuleNoBound);
  if (config.nesterov && (config.momentum == 0 || config.dampening != 0)) {
    throw Error(Fault::usage, "sgd", "nesterov wants a momentum and no dampening");
  }
  return std::make_unique<Sgd>(config);
}

std::unique_ptr<Optimizer> make_adam(const AdamConfig& config) {
  const char* name = config.decoupled ? "adamw" : "adam";
  require(name, "rate", config.rate, 0, kRuleNoBound);
  require(name, "beta1", config.beta1, 0, 1);
  require(name, "beta2", config.beta2, 0, 1);
  require(name, "epsilon", config.epsilon, 0, kRuleNoBound);
  require(name, "decay", config.decay, 0, kRuleNoBound);
  return std::make_unique<Adam>(config);
}

std::unique_ptr<Optimizer> make_rmsprop(const RmspropConfig& config) {
  require("rmsprop", "rate", config.rate, 0, kRuleNoBound);
  require("rmsprop", "alpha", config.alpha, 0, 1);
  require("rmsprop", "momentum", config.momentum, 0, 1);
  require("rmsprop", "epsilon", config.epsilon, 0, kRuleNoBound);
  require("rmsprop", "decay", config.decay, 0, kRuleNoBound);
  return std::make_unique<Rmsprop>(config);
}

}  // namespace firn
