// Policies by the clock: LP-FT, gradual unfreezing, fine_tune, FreezeOut, LayerOut.
#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "engine/base/rng.h"
#include "optim/policies/policies.h"
#include "optim/state.h"

namespace firn {

namespace {

class LpFt final : public FreezePolicy {
 public:
  explicit LpFt(const LpFtConfig& config) : c_(config) {}
  std::string text() const override {
    return fmt::format(
        "lp-ft: {} alone until its loss falls by less than {:g} % an epoch, {} epochs at most; "
        "then everything at {:g} times the rate",
        block_name(block_count() - 1), 100 * c_.tolerance, probe_, c_.rate);
  }
  void decide(const PolicyMoment& now, std::span<BlockPlan> plan) override {
    if (now.step_of_epoch > 0) return;
    const bool converged = now.epoch >= 2 && !(now.epoch_loss <= (1 - c_.tolerance) * last_loss_);
    last_loss_ = now.epoch_loss;
    tuning_ = tuning_ || converged || now.epoch >= probe_;
    freeze_prefix(plan, tuning_ ? 0 : plan.size() - 1);
    for (BlockPlan& block : plan) block.rate = tuning_ ? c_.rate : 1;
  }
  bool depends_on_epochs() const override { return c_.probe == 0; }
  void save(const StateWriter& to) const override {
    to.flag("tuning", tuning_);
    to.number("last_loss", last_loss_);
  }
  void load(const StateReader& from) override {
    tuning_ = from.flag("tuning");
    last_loss_ = from.number("last_loss");
  }

 protected:
  void begin() override {
    probe_ = c_.probe > 0 ? c_.probe : std::max<Index>(1, run().epochs / 2);
    tuning_ = false;
    last_loss_ = 0;
  }

 private:
  LpFtConfig c_;
  Index probe_ = 1;
  bool tuning_ = false;
  double last_loss_ = 0;
};

class Gradual final : public FreezePolicy {
 public:
  explicit Gradual(const GradualConfig& config) : c_(config) {}
  std::string text() const override {
    return fmt::format(
        "gradual: one more of {} blocks from the top every {}, all of them from epoch {} on; a block's rate "
        "is "
        "that of the next one / {:g}",
        block_count(), c_.every == 1 ? std::string("epoch") : fmt::format("{} epochs", c_.every),
        static_cast<Index>(block_count() - 1) * c_.every + 1, c_.divide);
  }
  void decide(const PolicyMoment& now, std::span<BlockPlan> plan) override {
    const auto training = static_cast<std::size_t>(1 + now.epoch / c_.every);
    freeze_prefix(plan, plan.size() - std::min(training, plan.size()));
    double rate = 1;
    for (std::size_t l = plan.size(); l-- > 0; rate /= c_.divide) plan[l].rate = rate;
  }

 private:
  GradualConfig c_;
};

class FineTune final : public FreezePolicy {
 public:
  explicit FineTune(const FineTuneConfig& config) : c_(config) {}
  std::string text() const override {
    return fmt::format(
        "fine-tune: {} alone in the first {} epochs; then everything, rates from {:g} at {} to "
        "{:g} at the head",
        block_name(block_count() - 1), c_.head, c_.then / c_.spread, block_name(0), c_.then);
  }
  void decide(const PolicyMoment& now, std::span<BlockPlan> plan) override {
    const bool head_only = now.epoch < c_.head;
    freeze_prefix(plan, head_only ? plan.size() - 1 : 0);
    const auto top = static_cast<double>(plan.size() - 1);
    for (std::size_t l = 0; l < plan.size(); ++l) {
      const double below = top > 0 ? (top - static_cast<double>(l)) / top : 0;
      plan[l].rate = head_only ? 1 : c_.then * std::pow(c_.spread, -below);
    }
  }

 private:
  FineTuneConfig c_;
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
        "layerout: in each epoch a block trains with a probability from {:g} at {} to {:g} at {}", c_.first,
        block_name(0), c_.last, block_name(block_count() - 1));
  }
  void decide(const PolicyMoment& now, std::span<BlockPlan> plan) override {
    if (now.step_of_epoch > 0) return;
    Random random(run().seed, "layerout", static_cast<std::uint64_t>(now.epoch));
    bool any = false;
    while (!any) {
      for (std::size_t l = 0; l < plan.size(); ++l) {
        const auto top = static_cast<double>(plan.size() - 1);
        const double depth = top > 0 ? static_cast<double>(l) / top : 0;
        plan[l].trains = random.uniform() < c_.first + (c_.last - c_.first) * depth;
        any = any || plan[l].trains;
      }
    }
  }
  bool freezes_head() const override { return c_.last < 1; }

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
