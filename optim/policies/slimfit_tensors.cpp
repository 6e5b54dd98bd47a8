// SlimFit by tensors: the weights that moved least rest, one by one.
#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "optim/policies/policies.h"
#include "optim/state.h"

namespace firn {

namespace {

class SlimFitTensors final : public FreezePolicy {
 public:
  explicit SlimFitTensors(const SlimFitConfig& config) : c_(config) {}
  std::string text() const override {
    return fmt::format(
        "slimfit: every {} the {} of {} weights below the head that moved least are frozen; biases and "
        "normalisations train",
        c_.every == 1 ? std::string("step") : fmt::format("{} steps", c_.every), resting(), weights_.size());
  }
  void decide(const PolicyMoment& now, std::span<BlockPlan>) override {
    if (now.step % c_.every != 0) return;
    if (now.step > 0) {
      for (Weight& w : weights_) measure(w);
      choose();
    }
    for (Weight& w : weights_) {
      if (!w.trains) continue;
      if (!w.before.defined()) w.before = Tensor(w.parameter->shape());
      std::copy_n(w.parameter->value().data(), w.before.count(), w.before.data());
    }
  }
  const FreezeSet& frozen_within() const override { return frozen_; }

  void save(const StateWriter& to) const override {
    for (std::size_t i = 0; i < weights_.size(); ++i) {
      const StateWriter part = to.part(fmt::format("{}", i));
      part.flag("trains", weights_[i].trains);
      part.number("change", weights_[i].change);
      part.flag("kept", weights_[i].before.defined());
      if (weights_[i].before.defined()) part.tensor("before", weights_[i].before);
    }
  }
  void load(const StateReader& from) override {
    for (std::size_t i = 0; i < weights_.size(); ++i) {
      const StateReader part = from.part(fmt::format("{}", i));
      Weight& w = weights_[i];
      w.trains = part.flag("trains");
      w.change = part.number("change");
      w.before = part.flag("kept") ? part.tensor("before", w.parameter->shape()) : Tensor();
    }
    freeze();
  }

 protected:
  void begin() override {
    weights_.clear();
    frozen_ = {};
    for (std::size_t l = 0; l + 1 < block_count(); ++l) {
      for (const Parameter* p : run().blocks[l].parameters) {
        if (p->role() == Role::weight) weights_.push_back({p});
      }
    }
  }

 private:
  struct Weight {
    const Parameter* parameter;
    bool trains = true;
    double change = std::numeric_limits<double>::infinity();
    Tensor before = {};  // at the last check
  };

  std::size_t resting() const {
    return static_cast<std::size_t>(c_.share * static_cast<double>(weights_.size()));
  }
  /// Of one that trained; the others keep what they have.
  static void measure(Weight& w) {
    if (!w.trains || !w.before.defined()) return;
    const real* before = w.before.data();
    const real* now = w.parameter->value().data();
    double moved = 0;
    Index elements = 0;
    for (Index i = 0; i < w.before.count(); ++i) {
      const auto old = static_cast<double>(before[i]);
      if (old == 0) continue;
      moved += std::abs((old - static_cast<double>(now[i])) / old);
      ++elements;
    }
    if (elements > 0) w.change = moved / static_cast<double>(elements);
  }
  void choose() {
    std::vector<std::size_t> order(weights_.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return weights_[a].change < weights_[b].change; });
    for (std::size_t i = 0; i < order.size(); ++i) weights_[order[i]].trains = i >= resting();
    freeze();
  }
  void freeze() {
    frozen_ = {};
    for (const Weight& w : weights_) {
      if (!w.trains) frozen_.freeze(*w.parameter);
    }
  }

  SlimFitConfig c_;
  std::vector<Weight> weights_;
  FreezeSet frozen_;
};

}  // namespace

std::unique_ptr<FreezePolicy> make_slimfit_tensors(const SlimFitConfig& config) {
  return std::make_unique<SlimFitTensors>(config);
}

}  // namespace firn
