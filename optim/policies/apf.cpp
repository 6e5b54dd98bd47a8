// Adaptive parameter freezing: units rest while they go nowhere.
#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "optim/policies/policies.h"
#include "optim/state.h"

namespace firn {

namespace {

constexpr double kAlmostAll = 0.8;  // of the groups: from there on the threshold is halved

/// Neighbouring units that rest together.
struct Group {
  UnitRange units;
  Index rest = 0;   ///< steps that its last rest lasted, halved at each check without one
  Index until = 0;  ///< the step before which it rests
};

/// A parameter with what is remembered of its elements.
struct Followed {
  std::size_t block;
  const Parameter* parameter;
  std::vector<Group> groups;
  Tensor before;    // values at the last check
  Tensor mean;      // E, of their changes from check to check
  Tensor absolute;  // the same of the changes' absolute values
};

/// Calls f(place, count) for the elements of `units` of a parameter, in runs that lie together.
template <class F>
void for_each_run(const Parameter& parameter, const UnitRange& units, const F& f) {
  const Shape& shape = parameter.shape();
  if (parameter.unit_axis() < 0) return f(0, shape.count());
  const TrainableRanges part{parameter.unit_axis(), {units}};
  for_each_trainable(&part, shape, 0, part.shape_in(shape).count(),
                     [&](Index, Index place, Index count) { f(place, count); });
}

class Apf final : public FreezePolicy {
 public:
  explicit Apf(const ApfConfig& config) : c_(config) {}
  std::string text() const override {
    return fmt::format(
        "apf: every {} steps groups of {} units whose changes add up to less than {:g} of their size rest, "
        "longer "
        "each time",
        every_, c_.group, c_.threshold);
  }

  void decide(const PolicyMoment& now, std::span<BlockPlan> plan) override {
    if (followed_.empty()) follow();
    if (now.step == 0 || now.step % every_ != 0) return;
    // Of a block that rests as a whole the statistics do, too; something always trains.
    for (BlockPlan& block : plan) block.trains = false;
    check(now.step, plan);
    if (std::any_of(plan.begin(), plan.end(), [](const BlockPlan& block) { return block.trains; })) return;
    plan.back().trains = true;
    for (const Parameter* p : run().blocks.back().parameters) frozen_.thaw(*p);
  }
  const FreezeSet& frozen_within() const override { return frozen_; }

  void save(const StateWriter& to) const override {
    to.number("threshold", threshold_);
    to.whole("followed", static_cast<Index>(followed_.size()));
    for (std::size_t i = 0; i < followed_.size(); ++i) {
      const Followed& f = followed_[i];
      const StateWriter part = to.part(fmt::format("{}", i));
      std::vector<double> groups;
      for (const Group& group : f.groups) {
        groups.insert(groups.end(), {static_cast<double>(group.rest), static_cast<double>(group.until)});
      }
      part.numbers("groups", groups);
      part.ranges("frozen", frozen_.frozen_units(*f.parameter));
      part.tensor("before", f.before);
      part.tensor("mean", f.mean);
      part.tensor("absolute", f.absolute);
    }
  }

  void load(const StateReader& from) override {
    followed_.clear();
    frozen_ = {};
    threshold_ = from.number("threshold");
    if (!(threshold_ > 0 && threshold_ <= 1)) from.fail("threshold", "is none");
    if (from.whole("followed", 0, static_cast<Index>(kNoBound)) == 0) return;
    follow();
    if (from.whole("followed", 1, static_cast<Index>(kNoBound)) != static_cast<Index>(followed_.size())) {
      from.fail("followed", "is of another model");
    }
    for (std::size_t i = 0; i < followed_.size(); ++i) {
      Followed& f = followed_[i];
      const StateReader part = from.part(fmt::format("{}", i));
      const std::vector<double> groups = part.numbers("groups", 2 * f.groups.size());
      for (std::size_t g = 0; g < f.groups.size(); ++g) {
        if (!(groups[2 * g] >= 0 && groups[2 * g] <= kNoBound && groups[2 * g + 1] >= 0 &&
              groups[2 * g + 1] <= 2 * kNoBound)) {
          part.fail("groups", "are none");
        }
        f.groups[g].rest = static_cast<Index>(groups[2 * g]);
        f.groups[g].until = static_cast<Index>(groups[2 * g + 1]);
      }
      const std::vector<UnitRange> frozen = part.ranges("frozen", f.parameter->units());
      if (f.parameter->unit_axis() < 0 && !frozen.empty() && places_in(frozen) < f.parameter->units()) {
        part.fail("frozen", "cannot be a part of it");
      }
      frozen_.set_frozen_units(*f.parameter, frozen);
      f.before = part.tensor("before", f.parameter->shape());
      f.mean = part.tensor("mean", f.parameter->shape());
      f.absolute = part.tensor("absolute", f.parameter->shape());
    }
  }

 protected:
  void begin() override {
    every_ = c_.every > 0 ? c_.every : std::max<Index>(1, run().steps_per_epoch / 50);
    threshold_ = c_.threshold;
    followed_.clear();
    frozen_ = {};
  }

 private:
  void follow() {
    for (std::size_t l = 0; l < run().blocks.size(); ++l) {
      for (const Parameter* p : run().blocks[l].parameters) {
        if (p->role() == Role::statistic) continue;
        Followed f{l, p, {}, p->value().clone(), Tensor(p->shape()), Tensor(p->shape())};
        const Index size = p->unit_axis() < 0 ? p->units() : c_.group;
        // What is frozen for good stands still and is nobody's to judge.
        for (const UnitRange& free : complement(p->frozen_units(), p->units())) {
          for (Index first = free.first; first < free.last; first += size) {
            f.groups.push_back({{first, std::min(first + size, free.last)}});
          }
        }
        followed_.push_back(std::move(f));
      }
    }
  }

  /// P of a group: the size of E over that of the mean absolute change, summed over its elements; brings both
  /// up to date.
  double effective_perturbation(Followed& f, const Group& group) {
    double moved = 0, travelled = 0;
    for_each_run(*f.parameter, group.units, [&](Index place, Index count) {
      const real* now = f.parameter->value().data();
      for (Index i = place; i < place + count; ++i) {
        const double change = static_cast<double>(now[i]) - static_cast<double>(f.before.data()[i]);
        const double mean = c_.decay * static_cast<double>(f.mean.data()[i]) + (1 - c_.decay) * change;
        const double absolute =
            c_.decay * static_cast<double>(f.absolute.data()[i]) + (1 - c_.decay) * std::abs(change);
        f.mean.data()[i] = static_cast<real>(mean);
        f.absolute.data()[i] = static_cast<real>(absolute);
        moved += std::abs(mean);
        travelled += absolute;
      }
    });
    return travelled > 0 ? moved / travelled : 0;
  }

  /// Lets the blocks of which a group does not rest train.
  void check(Index step, std::span<BlockPlan> plan) {
    Index all = 0, resting = 0;
    for (Followed& f : followed_) {
      std::vector<UnitRange> frozen;
      for (Group& group : f.groups) {
        ++all;
        // One whose rest ends now has no change to be judged by before the next check.
        if (step > group.until) {
          if (effective_perturbation(f, group) < threshold_) {
            group.rest += every_;
            group.until = step + group.rest;
          } else {
            group.rest = group.rest / 2 / every_ * every_;
          }
        }
        if (step < group.until) {
          ++resting;
          frozen.push_back(group.units);
        } else {
          plan[f.block].trains = true;
        }
      }
      frozen_.set_frozen_units(*f.parameter, frozen);
      std::copy_n(f.parameter->value().data(), f.parameter->shape().count(), f.before.data());
    }
    if (static_cast<double>(resting) > kAlmostAll * static_cast<double>(all)) threshold_ /= 2;
  }

  ApfConfig c_;
  Index every_ = 1;
  double threshold_ = 0;
  std::vector<Followed> followed_;
  FreezeSet frozen_;
};

}  // namespace

std::unique_ptr<FreezePolicy> make_apf(const ApfConfig& config) {
  require_range("apf", "every", static_cast<double>(config.every), 0, kNoBound);
  require_range("apf", "group", static_cast<double>(config.group), 1, kNoBound);
  require_range("apf", "threshold", config.threshold, 1e-9, 1);
  require_range("apf", "decay", config.decay, 0, 0.999999);
  return std::make_unique<Apf>(config);
}

}  // namespace firn
