// What policies are held against at equal cost: random freezing, and their rates alone.
#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "engine/base/rng.h"
#include "optim/policies/policies.h"
#include "optim/state.h"

namespace firn {

namespace {

class RandomPrefix final : public FreezePolicy {
 public:
  explicit RandomPrefix(const RandomPrefixConfig& config) : c_(config) {}
  std::string text() const override {
    return fmt::format(
        "random-prefix: {} times a frozen prefix is drawn, {:.0f} % of the cost of none in all",
        prefixes_.size(), 100 * c_.share);
  }
  void decide(const PolicyMoment& now, std::span<BlockPlan> plan) override {
    const auto looks = static_cast<Index>(prefixes_.size());
    const Index look = std::min(looks - 1, now.step * looks / all_steps());
    freeze_prefix(plan, prefixes_[static_cast<std::size_t>(look)]);
  }
  bool draws() const override { return true; }
  bool depends_on_epochs() const override { return true; }

 protected:
  void begin() override {
    const std::vector<double> chances = chances_of_share();
    Random random(run().seed, "random-prefix");
    const auto looks = static_cast<std::size_t>(std::min(c_.looks, all_steps()));
    prefixes_.clear();
    const double shift = random.uniform();
    double passed = chances[0];
    std::size_t prefix = 0;
    for (std::size_t i = 0; i < looks; ++i) {
      const double place = (static_cast<double>(i) + shift) / static_cast<double>(looks);
      while (place >= passed && prefix + 1 < chances.size()) passed += chances[++prefix];
      prefixes_.push_back(std::min(prefix, block_count() - 1));
    }
    shuffle(prefixes_.data(), static_cast<Index>(prefixes_.size()), random);
  }

 private:
  std::vector<double> chances_of(double lambda) const {
    std::vector<double> chances;
    double sum = 0;
    for (const double cost : c_.costs) {
      chances.push_back(std::exp(lambda * (cost - (lambda > 0 ? c_.costs.front() : c_.costs.back()))));
      sum += chances.back();
    }
    for (double& chance : chances) chance /= sum;
    return chances;
  }
  /// The chances whose mean cost is the share; at either end the dearest or the cheapest alone.
  std::vector<double> chances_of_share() const {
    constexpr double kFar = 1e4;
    double low = -kFar, high = kFar;
    for (int i = 0; i < 100; ++i) {
      const double middle = (low + high) / 2;
      const std::vector<double> chances = chances_of(middle);
      double mean = 0;
      for (std::size_t k = 0; k < chances.size(); ++k) mean += chances[k] * c_.costs[k];
      (mean < c_.share ? low : high) = middle;
    }
    return chances_of((low + high) / 2);
  }

  RandomPrefixConfig c_;
  std::vector<std::size_t> prefixes_;  // of each look
};

class RatesOnly final : public FreezePolicy {
 public:
  explicit RatesOnly(std::unique_ptr<FreezePolicy> policy) : policy_(std::move(policy)) {}
  std::string text() const override { return "rates-only: nothing frozen; " + policy_->text(); }
  void decide(const PolicyMoment& now, std::span<BlockPlan> plan) override {
    policy_->decide(now, theirs_);
    for (std::size_t l = 0; l < plan.size(); ++l) plan[l].rate = theirs_[l].rate;
  }
  Needs needs(const PolicyMoment& now) const override { return policy_->needs(now); }
  bool reinitialises(std::size_t block) const override { return policy_->reinitialises(block); }
  bool wants_activations() const override { return policy_->wants_activations(); }
  bool wants_drawn_head() const override { return policy_->wants_drawn_head(); }
  bool draws() const override { return policy_->draws(); }
  bool depends_on_epochs() const override { return policy_->depends_on_epochs(); }
  bool replaces_schedule() const override { return policy_->replaces_schedule(); }
  void save(const StateWriter& to) const override {
    policy_->save(to.part("policy"));
    std::vector<double> plan;
    for (const BlockPlan& block : theirs_) plan.insert(plan.end(), {block.trains ? 1.0 : 0.0, block.rate});
    to.numbers("plan", plan);
  }
  void load(const StateReader& from) override {
    policy_->load(from.part("policy"));
    const std::vector<double> plan = from.numbers("plan", 2 * theirs_.size());
    for (std::size_t i = 0; i < theirs_.size(); ++i) theirs_[i] = {plan[2 * i] != 0, plan[2 * i + 1]};
  }

 protected:
  void begin() override {
    theirs_.assign(block_count(), {});
    policy_->start(run());
  }

 private:
  std::unique_ptr<FreezePolicy> policy_;
  std::vector<BlockPlan> theirs_;
};

}  // namespace

std::unique_ptr<FreezePolicy> make_random_prefix(const RandomPrefixConfig& config) {
  if (config.costs.empty()) require_range("random-prefix", "costs", 0, 1, kNoBound);
  require_range("random-prefix", "share", config.share, 0, kNoBound);
  require_range("random-prefix", "looks", static_cast<double>(config.looks), 1, kNoBound);
  return std::make_unique<RandomPrefix>(config);
}

std::unique_ptr<FreezePolicy> make_rates_only(std::unique_ptr<FreezePolicy> policy) {
  return std::make_unique<RatesOnly>(std::move(policy));
}

}  // namespace firn
