// Policies by the clock: LP-FT, gradual unfreezing, fine_tune, FreezeOut, LayerOut.
#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "engine/base/rng.h"
#include "optim/policies/policies.h"
#include "optim/schedule.h"
#include "optim/state.h"

namespace firn {

namespace {

/// Half a cosine from 1 to 0 over the steps from `first` to `last`.
double falling(Index step, Index first, Index last) {
  return cosine_schedule()(step - first, std::max<Index>(1, last - first));
}

class LpFt final : public FreezePolicy {
 public:
  explicit LpFt(const LpFtConfig& config) : c_(config) {}
  std::string text() const override {
    return fmt::format(
        "lp-ft: {} alone until its loss falls by less than {:g} % an epoch, {} epochs at most; "
        "then everything at {:g} times the rate{}",
        block_name(block_count() - 1), 100 * c_.tolerance, probe_, c_.rate,
        c_.phases ? "; each along its own half cosine, in the place of the schedule" : "");
  }
  void decide(const PolicyMoment& now, std::span<BlockPlan> plan) override {
    if (now.step_of_epoch == 0) {
      const bool converged = now.epoch >= 2 && !(now.epoch_loss <= (1 - c_.tolerance) * last_loss_);
      last_loss_ = now.epoch_loss;
      if (!tuning_ && (converged || now.epoch >= probe_)) {
        tuning_ = true;
        since_ = now.step;
      }
    }
    freeze_prefix(plan, tuning_ ? 0 : plan.size() - 1);
    double rate = tuning_ ? c_.rate : 1;
    if (c_.phases) {
      rate *= tuning_ ? falling(now.step, since_, all_steps())
                      : falling(now.step, 0, probe_ * run().steps_per_epoch);
    }
    for (BlockPlan& block : plan) block.rate = rate;
  }
  bool depends_on_epochs() const override { return c_.probe == 0 || c_.phases; }
  bool replaces_schedule() const override { return c_.phases; }
  void save(const StateWriter& to) const override {
    to.flag("tuning", tuning_);
    to.whole("since", since_);
    to.number("last_loss", last_loss_);
  }
  void load(const StateReader& from) override {
    tuning_ = from.flag("tuning");
    since_ = from.whole("since", 0, all_steps());
    last_loss_ = from.number("last_loss");
  }

 protected:
  void begin() override {
    probe_ = c_.probe > 0 ? c_.probe : std::max<Index>(1, run().epochs / 2);
    tuning_ = false;
    since_ = 0;
    last_loss_ = 0;
  }

 private:
  LpFtConfig c_;
  Index probe_ = 1;
  bool tuning_ = false;
  Index since_ = 0;  // the step at which the second phase began
  double last_loss_ = 0;
};

class Gradual final : public FreezePolicy {
 public:
  explicit Gradual(const GradualConfig& config) : c_(config) {}
  std::string text() const override {
    return fmt::format(
        "gradual: one more of {} blocks from the top every {}, all of them from epoch {} on; a block's rate "
        "is "
        "that of the next one / {:g}{}",
        block_count(), c_.every == 1 ? std::string("epoch") : fmt::format("{} epochs", c_.every),
        static_cast<Index>(block_count() - 1) * c_.every + 1, c_.divide,
        c_.slanted ? "; along a slanted triangle, in the place of the schedule" : "");
  }
  void decide(const PolicyMoment& now, std::span<BlockPlan> plan) override {
    const auto training = static_cast<std::size_t>(1 + now.epoch / c_.every);
    freeze_prefix(plan, plan.size() - std::min(training, plan.size()));
    double rate = c_.slanted ? slanted(now.step) : 1;
    for (std::size_t l = plan.size(); l-- > 0; rate /= c_.divide) plan[l].rate = rate;
  }
  bool depends_on_epochs() const override { return c_.slanted; }
  bool replaces_schedule() const override { return c_.slanted; }

 private:
  /// Equation 3 there: up over a tenth of the steps, then down; 1/32 at both ends.
  double slanted(Index step) const {
    constexpr double kShare = 0.1, kRatio = 32;
    const double top = std::max(1.0, std::floor(kShare * static_cast<double>(all_steps())));
    const auto t = static_cast<double>(step);
    const double p = t < top ? t / top : 1 - (t - top) / (top * (1 / kShare - 1));
    return (1 + std::max(0.0, p) * (kRatio - 1)) / kRatio;
  }

  GradualConfig c_;
};

class FineTune final : public FreezePolicy {
 public:
  explicit FineTune(const FineTuneConfig& config) : c_(config) {}
  std::string text() const override {
    return fmt::format(
        "fine-tune: {} alone in the first {} epochs; then everything, rates from {:g} at {} to "
        "{:g} at the head{}",
        block_name(block_count() - 1), c_.head, c_.then / c_.spread, block_name(0), c_.then,
        c_.phases ? "; each along a cycle of its own, in the place of the schedule" : "");
  }
  void decide(const PolicyMoment& now, std::span<BlockPlan> plan) override {
    const bool head_only = now.epoch < c_.head;
    freeze_prefix(plan, head_only ? plan.size() - 1 : 0);
    const auto top = static_cast<double>(plan.size() - 1);
    const double factor = c_.phases ? cycle(now.step, head_only) : 1;
    for (std::size_t l = 0; l < plan.size(); ++l) {
      const double below = top > 0 ? (top - static_cast<double>(l)) / top : 0;
      plan[l].rate = factor * (head_only ? 1 : c_.then * std::pow(c_.spread, -below));
    }
  }
  bool depends_on_epochs() const override { return c_.phases; }
  bool replaces_schedule() const override { return c_.phases; }

 private:
  double cycle(Index step, bool head_only) const {
    const Index first = std::min(c_.head * run().steps_per_epoch, all_steps());
    return head_only ? of_head_(step, first) : of_all_(step - first, all_steps() - first);
  }

  FineTuneConfig c_;
  // Down to 1e-5 of the greatest.
  Schedule of_head_ = one_cycle_schedule(0.99, 25, 4e3), of_all_ = one_cycle_schedule(0.3, 5, 2e4);
};

class FreezeOut final : public FreezePolicy {
 public:
  explicit FreezeOut(const FreezeOutConfig& config) : c_(config) {}
  std::string text() const override {
    std::string ends;
    for (std::size_t l = 0; l < block_count(); ++l) {
      ends += fmt::format("{}{} {:.0f}", l > 0 ? ", " : "", block_name(l), std::floor(end(l)));
    }
    return fmt::format(
        "freezeout: each block along its own half cosine, in the place of the schedule; last "
        "step of each: {}",
        ends);
  }
  void decide(const PolicyMoment& now, std::span<BlockPlan> plan) override {
    const auto t = static_cast<double>(now.step);
    for (std::size_t l = 0; l < plan.size(); ++l) {
      plan[l].trains = !(t > end(l));
      const double height = c_.scaled ? 1 / time(l) : 1;
      plan[l].rate = plan[l].trains ? 0.5 * height * (1 + std::cos(std::numbers::pi * t / end(l))) : 0;
    }
  }
  bool depends_on_epochs() const override { return true; }
  bool replaces_schedule() const override { return true; }

 private:
  double time(std::size_t l) const {
    const auto top = static_cast<double>(block_count() - 1);
    const double t = c_.t0 + (1 - c_.t0) * (top > 0 ? static_cast<double>(l) / top : 1);
    return c_.cubic ? t * t * t : t;
  }
  double end(std::size_t l) const { return time(l) * static_cast<double>(all_steps()); }

  FreezeOutConfig c_;
};

class LayerOut final : public FreezePolicy {
 public:
  explicit LayerOut(const LayerOutConfig& config) : c_(config) {}
  std::string text() const override {
    return fmt::format(
        "layerout: in each epoch a block trains with a probability from {:g} at {} to {:g} at {}{}", c_.first,
        block_name(0), c_.last, block_name(block_count() - 1), c_.head_drawn ? "" : ", which trains always");
  }
  void decide(const PolicyMoment& now, std::span<BlockPlan> plan) override {
    if (now.step_of_epoch > 0) return;
    Random random(run().seed, "layerout", static_cast<std::uint64_t>(now.epoch));
    bool any = false;
    while (!any) {
      for (std::size_t l = 0; l < plan.size(); ++l) {
        const auto top = static_cast<double>(plan.size() - 1);
        const double depth = top > 0 ? static_cast<double>(l) / top : 0;
        plan[l].trains = random.uniform() < c_.first + (c_.last - c_.first) * depth ||
                         (!c_.head_drawn && l + 1 == plan.size());
        any = any || plan[l].trains;
      }
    }
  }
  bool draws() const override { return true; }
  bool freezes_head() const override { return c_.head_drawn && c_.last < 1; }

 private:
  LayerOutConfig c_;
};

}  // namespace

std::unique_ptr<FreezePolicy> make_lp_ft(const LpFtConfig& config) {
  require_range("lp-ft", "probe", static_cast<double>(config.probe), 0, kNoBound);
  require_range("lp-ft", "tolerance", config.tolerance, 0, 1);
  require_range("lp-ft", "rate", config.rate, 0, kNoBound);
  return std::make_unique<LpFt>(config);
}

std::unique_ptr<FreezePolicy> make_gradual(const GradualConfig& config) {
  require_range("gradual", "divide", config.divide, 1, kNoBound);
  require_range("gradual", "every", static_cast<double>(config.every), 1, kNoBound);
  return std::make_unique<Gradual>(config);
}

std::unique_ptr<FreezePolicy> make_fine_tune(const FineTuneConfig& config) {
  require_range("fine-tune", "head", static_cast<double>(config.head), 0, kNoBound);
  require_range("fine-tune", "spread", config.spread, 1, kNoBound);
  require_range("fine-tune", "then", config.then, 0, kNoBound);
  return std::make_unique<FineTune>(config);
}

std::unique_ptr<FreezePolicy> make_freezeout(const FreezeOutConfig& config) {
  require_range("freezeout", "t0", config.t0, 0.01, 1);
  return std::make_unique<FreezeOut>(config);
}

std::unique_ptr<FreezePolicy> make_layerout(const LayerOutConfig& config) {
  // A probability of 0 for all would be drawn for ever.
  require_range("layerout", "first", config.first, 0.001, 1);
  require_range("layerout", "last", config.last, 0, 1);
  return std::make_unique<LayerOut>(config);
}

}  // namespace firn
