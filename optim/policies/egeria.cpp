// Egeria: freezes the front block once its activations no longer move against a reference model.
#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "optim/policies/policies.h"
#include "optim/state.h"

namespace firn {

namespace {

class Egeria final : public FreezePolicy {
 public:
  explicit Egeria(const EgeriaConfig& config) : c_(config) {}
  std::string text() const override {
    return fmt::format(
        "egeria: every {} steps the front block's activations against a reference; frozen when "
        "they move at most {:g} of the greatest so far for {} checks (mean of {}); all thawed when "
        "the rate has fallen {:g} times{}",
        every_, c_.tolerance, c_.checks, c_.window, c_.fall,
        c_.reference > 0 ? fmt::format("; a new reference each {} checks", c_.reference) : std::string());
  }

  void decide(const PolicyMoment& now, std::span<BlockPlan> plan) override {
    if (measured_) look(now.blocks[front_].distance, plan.size());
    measured_ = false;
    if (renewed_) distances_.clear();
    renewed_ = false;
    top_rate_ = std::max(top_rate_, now.schedule_factor);
    if (front_ > 0 && now.schedule_factor > 0 && now.schedule_factor <= top_rate_ / c_.fall) {
      begin_search();
      top_rate_ = now.schedule_factor;
    }
    freeze_prefix(plan, front_);
    take_reference_ = false;
    if ((now.step + 1) % every_ != 0) return;
    measured_ = has_reference_;
    take_reference_ = !has_reference_ || (c_.reference > 0 && ++since_reference_ >= c_.reference);
    if (take_reference_) since_reference_ = 0;
    renewed_ = take_reference_ && has_reference_;
    has_reference_ = true;
  }
  Needs needs(const PolicyMoment&) const override {
    return {.distances = measured_, .reference = take_reference_};
  }
  bool wants_activations() const override { return true; }

  void save(const StateWriter& to) const override {
    to.whole("front", static_cast<Index>(front_));
    to.numbers("distances", distances_);
    to.number("greatest", greatest_);
    to.whole("stable", stable_);
    to.number("top_rate", top_rate_);
    to.flag("has_reference", has_reference_);
    to.flag("measured", measured_);
    to.flag("take_reference", take_reference_);
    to.flag("renewed", renewed_);
    to.whole("since_reference", since_reference_);
  }
  void load(const StateReader& from) override {
    front_ = static_cast<std::size_t>(from.whole("front", 0, static_cast<Index>(block_count()) - 1));
    distances_ = from.numbers("distances");
    greatest_ = from.number("greatest");
    stable_ = from.whole("stable", 0, all_steps());
    top_rate_ = from.number("top_rate");
    has_reference_ = from.flag("has_reference");
    measured_ = from.flag("measured");
    take_reference_ = from.flag("take_reference");
    renewed_ = from.flag("renewed");
    since_reference_ = from.whole("since_reference", 0, all_steps());
  }

 protected:
  void begin() override {
    every_ = steps_between(c_.every, run().steps_per_epoch);
    top_rate_ = 0;
    measured_ = take_reference_ = renewed_ = false;
    begin_search();
  }

 private:
  /// Everything trains, and the reference is taken anew.
  void begin_search() {
    front_ = 0;
    has_reference_ = false;
    since_reference_ = 0;
    forget();
  }
  void forget() {
    distances_.clear();
    greatest_ = 0;
    stable_ = 0;
  }
  void look(double distance, std::size_t blocks) {
    distances_.push_back(distance);
    const auto window = static_cast<std::size_t>(c_.window);
    if (distances_.size() <= window) return;
    // The means over the window of this check and of the one before differ by what came in and what fell out.
    const double slope = std::abs(distances_.back() - distances_[distances_.size() - 1 - window]) /
                         static_cast<double>(window);
    greatest_ = std::max(greatest_, slope);
    stable_ = slope <= c_.tolerance * greatest_ ? stable_ + 1 : 0;
    if (stable_ < c_.checks || front_ + 1 >= blocks) return;
    ++front_;
    forget();
  }

  EgeriaConfig c_;
  Index every_ = 1;
  std::size_t front_ = 0;          // blocks frozen
  std::vector<double> distances_;  // of the front block, one a check
  double greatest_ = 0;
  Index stable_ = 0;
  double top_rate_ = 0;
  bool has_reference_ = false, measured_ = false, take_reference_ = false;
  bool renewed_ = false;  // behind the last step: the next distance is to another reference
  Index since_reference_ = 0;
};

}  // namespace

std::unique_ptr<FreezePolicy> make_egeria(const EgeriaConfig& config) {
  const auto whole = [](const char* key, Index value, double low) {
    require_range("egeria", key, static_cast<double>(value), low, kNoBound);
  };
  whole("every", config.every, 0);
  whole("window", config.window, 1);
  whole("checks", config.checks, 1);
  whole("reference", config.reference, 0);
  require_range("egeria", "tolerance", config.tolerance, 0, 1);
  require_range("egeria", "fall", config.fall, 1, kNoBound);
  return std::make_unique<Egeria>(config);
}

}  // namespace firn
