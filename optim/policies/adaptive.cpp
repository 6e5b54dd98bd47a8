// Policies that look at gradients and weights: AutoFreeze, SlimFit, Auto-RGN.
#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "optim/policies/policies.h"
#include "optim/state.h"

namespace firn {

namespace {

/// Between two of the sorted values interpolated, as numpy.percentile.
double percentile(std::vector<double> values, double percent) {
  std::sort(values.begin(), values.end());
  const double place = percent / 100 * static_cast<double>(values.size() - 1);
  const auto below = static_cast<std::size_t>(place);
  const double share = place - static_cast<double>(below);
  if (share == 0) return values[below];  // the neighbour may be infinite
  return values[below] + share * (values[below + 1] - values[below]);
}

class AutoFreeze final : public FreezePolicy {
 public:
  explicit AutoFreeze(const AutoFreezeConfig& config) : c_(config) {}
  std::string text() const override {
    return fmt::format(
        "autofreeze: every {} steps the blocks before the first one below the head whose accumulated "
        "gradient changed by at least percentile {:g} of these",
        every_, c_.percentile);
  }
  void decide(const PolicyMoment& now, std::span<BlockPlan> plan) override {
    if (now.step == 0 || now.step % every_ != 0) return;
    const bool first_look = before_.empty();
    std::vector<double> changes;
    for (std::size_t l = frozen_; l + 1 < plan.size() && !first_look; ++l) {
      const double now_norm = now.blocks[l].gradient_sum;
      const double difference = std::abs(before_[l] - now_norm);
      changes.push_back(difference == 0 ? 0 : difference / before_[l]);
    }
    before_.resize(plan.size());
    for (std::size_t l = 0; l < plan.size(); ++l) before_[l] = now.blocks[l].gradient_sum;
    if (changes.empty()) return;
    const double threshold = percentile(changes, c_.percentile);
    const auto ends = std::find_if(changes.begin(), changes.end(), [&](double x) { return x >= threshold; });
    // Nothing but a NaN is not found: then nothing is frozen.
    if (ends != changes.end()) frozen_ += static_cast<std::size_t>(ends - changes.begin());
    freeze_prefix(plan, frozen_);
  }
  Needs needs(const PolicyMoment& now) const override {
    return {.add_gradients = true, .gradient_sums = (now.step + 1) % every_ == 0};
  }
  bool depends_on_epochs() const override { return c_.every == 0; }
  void save(const StateWriter& to) const override {
    to.whole("frozen", static_cast<Index>(frozen_));
    to.numbers("before", before_);
  }
  void load(const StateReader& from) override {
    frozen_ = static_cast<std::size_t>(from.whole("frozen", 0, static_cast<Index>(block_count()) - 1));
    before_ = from.numbers("before");
    if (!before_.empty()) before_ = from.numbers("before", block_count());
  }

 protected:
  void begin() override {
    every_ = c_.every > 0 ? c_.every : std::max<Index>(1, all_steps() / c_.looks);
    frozen_ = 0;
    before_.clear();
  }

 private:
  AutoFreezeConfig c_;
  Index every_ = 1;
  std::size_t frozen_ = 0;
  std::vector<double> before_;
};

class SlimFit final : public FreezePolicy {
 public:
  explicit SlimFit(const SlimFitConfig& config) : c_(config) {}
  std::string text() const override {
    return fmt::format("slimfit: every {} the {} of {} blocks below the head that moved least are frozen",
                       c_.every == 1 ? std::string("step") : fmt::format("{} steps", c_.every), count(),
                       block_count() - 1);
  }
  void decide(const PolicyMoment& now, std::span<BlockPlan> plan) override {
    if (now.step == 0 || now.step % c_.every != 0) return;
    order_.resize(plan.size() - 1);
    std::iota(order_.begin(), order_.end(), std::size_t{0});
    std::sort(order_.begin(), order_.end(), [&](std::size_t a, std::size_t b) {
      const double da = now.blocks[a].change, db = now.blocks[b].change;
      return da < db || (da == db && a < b);
    });
    for (std::size_t i = 0; i < order_.size(); ++i) plan[order_[i]].trains = i >= count();
  }
  Needs needs(const PolicyMoment& now) const override {
    return {.keep_weights = now.step % c_.every == 0, .weight_changes = (now.step + 1) % c_.every == 0};
  }

 private:
  std::size_t count() const {
    const auto wanted = static_cast<std::size_t>(c_.share * static_cast<double>(block_count()));
    return std::min(wanted, block_count() - 1);
  }

  SlimFitConfig c_;
  std::vector<std::size_t> order_;
};

class AutoRgn final : public FreezePolicy {
 public:
  explicit AutoRgn(const AutoRgnConfig& config) : c_(config) {}
  std::string text() const override {
    return fmt::format(
        "auto-rgn: rates by norm(gradient)/norm(weights){}, the mean of the first {} steps of each "
        "epoch{}, the greatest being {:g}",
        c_.norms ? "" : " without normalisations", batches_, c_.before ? ", which move nothing" : "",
        c_.rate);
  }
  void decide(const PolicyMoment& now, std::span<BlockPlan> plan) override {
    if (now.step == 0) rates_.assign(plan.size(), 1);
    if (now.step_of_epoch >= 1 && now.step_of_epoch <= batches_) add(now);
    if (now.step_of_epoch == batches_ || (now.step_of_epoch == 0 && now.step > 0 && short_epoch())) {
      if (now.step_of_epoch == 0) add(now);
      set();
    }
    if (now.step_of_epoch == 0) sums_.assign(plan.size(), 0);
    const bool still = c_.before && now.step_of_epoch < batches_;
    for (std::size_t l = 0; l < plan.size(); ++l) plan[l].rate = still ? 0 : rates_[l];
  }
  Needs needs(const PolicyMoment& now) const override {
    const bool measured = now.step_of_epoch < batches_;
    return {.gradient_norms = measured, .weight_norms = measured, .without_norms = !c_.norms};
  }
  bool wants_drawn_head() const override { return true; }
  void save(const StateWriter& to) const override {
    to.numbers("sums", sums_);
    to.numbers("rates", rates_);
  }
  void load(const StateReader& from) override {
    sums_ = from.numbers("sums", block_count());
    rates_ = from.numbers("rates", block_count());
  }

 protected:
  void begin() override {
    // Where they move nothing, one step of each epoch at least is left to train.
    const Index most = c_.before ? std::max<Index>(1, run().steps_per_epoch - 1) : run().steps_per_epoch;
    batches_ = std::min(c_.batches, most);
    sums_.assign(block_count(), 0);
    rates_.assign(block_count(), 1);
  }

 private:
  /// All steps of an epoch are measured: the last one is seen in the next epoch.
  bool short_epoch() const { return batches_ == run().steps_per_epoch; }
  void add(const PolicyMoment& now) {
    for (std::size_t l = 0; l < sums_.size(); ++l) {
      const BlockStatistics& block = now.blocks[l];
      sums_[l] += block.gradient_norm == 0 ? 0 : block.gradient_norm / block.weight_norm;
    }
  }
  void set() {
    double greatest = 0;
    for (const double sum : sums_) {
      if (std::isfinite(sum)) greatest = std::max(greatest, sum);
    }
    for (std::size_t l = 0; l < rates_.size(); ++l) {
      // Weights that are all 0 have an infinite RGN: the full rate, and no say in the others'.
      const double share = !std::isfinite(sums_[l]) || greatest == 0 ? 1 : sums_[l] / greatest;
      rates_[l] = c_.rate * share;
    }
  }

  AutoRgnConfig c_;
  Index batches_ = 1;
  std::vector<double> sums_, rates_;
};

}  // namespace

std::unique_ptr<FreezePolicy> make_autofreeze(const AutoFreezeConfig& config) {
  require_range("autofreeze", "every", static_cast<double>(config.every), 0, kNoBound);
  require_range("autofreeze", "looks", static_cast<double>(config.looks), 1, kNoBound);
  require_range("autofreeze", "percentile", config.percentile, 0, 100);
  return std::make_unique<AutoFreeze>(config);
}

std::unique_ptr<FreezePolicy> make_slimfit(const SlimFitConfig& config) {
  require_range("slimfit", "share", config.share, 0, 1);
  require_range("slimfit", "every", static_cast<double>(config.every), 1, kNoBound);
  if (config.tensors) return make_slimfit_tensors(config);
  return std::make_unique<SlimFit>(config);
}

std::unique_ptr<FreezePolicy> make_auto_rgn(const AutoRgnConfig& config) {
  require_range("auto-rgn", "batches", static_cast<double>(config.batches), 1, kNoBound);
  require_range("auto-rgn", "rate", config.rate, 0, kNoBound);
  return std::make_unique<AutoRgn>(config);
}

}  // namespace firn
