// Sets that never change: cuts, patterns, roles.
#include <fmt/core.h>

#include <algorithm>
#include <set>

#include "engine/base/error.h"
#include "engine/base/glob.h"
#include "engine/base/split.h"
#include "optim/policies/policies.h"

namespace firn {

namespace {

class FixedCut final : public FreezePolicy {
 public:
  explicit FixedCut(const CutConfig& config) : c_(config) {}
  std::string text() const override {
    switch (c_.kind) {
      case CutConfig::Kind::none:
        return "none: everything that --freeze leaves trains";
      case CutConfig::Kind::first:
        return fmt::format("first: the first {} of {} blocks are frozen", c_.block, run().model_blocks);
      case CutConfig::Kind::last:
        return fmt::format("last: the last {} of {} blocks are frozen", c_.block, run().model_blocks);
      case CutConfig::Kind::only:
        return fmt::format("only: block {} of {} trains", c_.block, run().model_blocks);
    }
    return {};
  }
  void decide(const PolicyMoment&, std::span<BlockPlan> plan) override {
    for (std::size_t l = 0; l < plan.size(); ++l) plan[l].trains = trains(run().blocks[l].number);
  }
  bool freezes_head() const override { return !trains(run().model_blocks - 1); }

 protected:
  void begin() override {
    const Index most = run().model_blocks - (c_.kind == CutConfig::Kind::none ? 0 : 1);
    if (c_.block > most) {
      throw Error(Fault::usage, "policy",
                  fmt::format("{} of {} blocks: at most {} here", c_.block, run().model_blocks, most));
    }
  }

 private:
  bool trains(int number) const {
    switch (c_.kind) {
      case CutConfig::Kind::none:
        return true;
      case CutConfig::Kind::first:
        return number >= c_.block;
      case CutConfig::Kind::last:
        return number < run().model_blocks - c_.block;
      case CutConfig::Kind::only:
        return number == c_.block;
    }
    return true;
  }

  CutConfig c_;
};

class Head final : public FreezePolicy {
 public:
  std::string text() const override {
    return fmt::format("head: only {} trains", block_name(block_count() - 1));
  }
  void decide(const PolicyMoment&, std::span<BlockPlan> plan) override {
    freeze_prefix(plan, plan.size() - 1);
  }
};

/// A set of parameters that is found out at the start.
class Selection : public FreezePolicy {
 public:
  void decide(const PolicyMoment&, std::span<BlockPlan>) override {}
  const FreezeSet& frozen_within() const override { return frozen_; }
  bool freezes_head() const override {
    const std::vector<Parameter*>& head = run().blocks.back().parameters;
    return std::any_of(head.begin(), head.end(),
                       [&](const Parameter* p) { return p->role() == Role::weight && !frozen_.trains(*p); });
  }

 protected:
  /// "6 of 8 tensors train", running statistics aside.
  std::string count_text() const {
    Index all = 0, trains = 0;
    for (const PolicyBlock& block : run().blocks) {
      for (const Parameter* p : block.parameters) {
        if (p->role() == Role::statistic) continue;
        ++all;
        trains += frozen_.trains(*p) ? 1 : 0;
      }
    }
    return fmt::format("{} of {} tensors train", trains, all);
  }
  /// Selects all that `trains` says yes to; an error of `what` where that is nothing.
  template <class F>
  void select(const std::string& what, F trains) {
    frozen_ = {};
    bool any = false;
    for (std::size_t l = 0; l < block_count(); ++l) {
      for (const Parameter* p : run().blocks[l].parameters) {
        if (!trains(l, *p)) frozen_.freeze(*p);
        any = any || frozen_.trains(*p);
      }
    }
    if (!any) throw Error(Fault::usage, "policy", what);
  }

 private:
  FreezeSet frozen_;
};

bool has_role(const Parameter& parameter, Role role) {
  return parameter.role() == role || (role == Role::norm && parameter.role() == Role::statistic);
}

class Pattern final : public Selection {
 public:
  explicit Pattern(const PatternConfig& config)
      : c_(config), parts_(split(config.freeze.empty() ? config.train : config.freeze, '+')) {}
  std::string text() const override {
    return fmt::format("pattern: {}; {}", c_.freeze.empty() ? c_.train + " trains" : c_.freeze + " is frozen",
                       count_text());
  }

 protected:
  void begin() override {
    for (const std::string& part : parts_) require_match(part);
    const bool wanted = c_.freeze.empty();
    select(fmt::format("pattern: {} freezes everything", wanted ? c_.train : c_.freeze),
           [&](std::size_t, const Parameter& p) {
             const bool named = std::any_of(parts_.begin(), parts_.end(),
                                            [&](const auto& part) { return matches(part, p); });
             return named == wanted;
           });
  }

 private:
  static bool matches(const std::string& part, const Parameter& parameter) {
    for (const Role role : {Role::weight, Role::bias, Role::norm}) {
      if (part == "role:" + std::string(role_name(role))) return has_role(parameter, role);
    }
    return glob_match(part, parameter.name()) || glob_match(part + ".*", parameter.name());
  }
  void require_match(const std::string& part) const {
    std::set<std::string> known{"role:weight", "role:bias", "role:norm"};
    for (const PolicyBlock& block : run().blocks) {
      for (const Parameter* p : block.parameters) {
        if (matches(part, *p)) return;
        const std::string& name = p->name();
        known.insert(name);
        for (auto dot = name.find('.'); dot != std::string::npos; dot = name.find('.', dot + 1)) {
          known.insert(name.substr(0, dot));
        }
      }
    }
    const std::vector<std::string> names(known.begin(), known.end());
    throw Error(Fault::usage, "policy",
                fmt::format("pattern: no parameter is called {}{}", part, did_you_mean(part, names)));
  }

  PatternConfig c_;
  std::vector<std::string> parts_;
};

class ByRole final : public Selection {
 public:
  explicit ByRole(const RoleConfig& config) : c_(config) {}
  std::string text() const override {
    return fmt::format("{}: what has the role {}{}{}; {}", name(), role_name(c_.role),
                       c_.shifts ? ", shifts of normalisations" : "", c_.head ? ", and the head" : "",
                       count_text());
  }

 protected:
  void begin() override {
    select(fmt::format("{}: no parameter has the role {}", name(), role_name(c_.role)),
           [&](std::size_t l, const Parameter& p) {
             const bool shift = c_.shifts && p.role() == Role::norm && p.name().ends_with("bias");
             return has_role(p, c_.role) || shift || (c_.head && l + 1 == block_count());
           });
  }

 private:
  const char* name() const { return c_.role == Role::norm ? "bn-only" : "bias-only"; }

  RoleConfig c_;
};

class RandomFrozen final : public FreezePolicy {
 public:
  explicit RandomFrozen(const RandomFrozenConfig& config) : c_(config) {}
  std::string text() const override {
    return fmt::format("random-frozen: the first {} blocks {} and {}, the rest {}", c_.k,
                       c_.first_random ? "random" : "as they are", c_.tuned ? "tuned" : "frozen",
                       c_.rest_random ? "random" : "as it is");
  }
  void decide(const PolicyMoment&, std::span<BlockPlan> plan) override {
    for (std::size_t l = 0; l < plan.size(); ++l) plan[l].trains = c_.tuned || !first(l);
  }
  bool reinitialises(std::size_t block) const override {
    return first(block) ? c_.first_random : c_.rest_random;
  }

 protected:
  void begin() override {
    if (c_.k >= run().model_blocks) {
      throw Error(Fault::usage, "policy",
                  fmt::format("random-frozen: k={} of {} blocks", c_.k, run().model_blocks));
    }
  }

 private:
  bool first(std::size_t block) const { return run().blocks[block].number < c_.k; }

  RandomFrozenConfig c_;
};

}  // namespace

std::unique_ptr<FreezePolicy> make_cut(const CutConfig& config) {
  if (config.block < 0) throw Error(Fault::usage, "policy", fmt::format("{} blocks", config.block));
  return std::make_unique<FixedCut>(config);
}

std::unique_ptr<FreezePolicy> make_head() {
  return std::make_unique<Head>();
}

std::unique_ptr<FreezePolicy> make_pattern(const PatternConfig& config) {
  if (config.freeze.empty() == config.train.empty()) {
    throw Error(Fault::usage, "policy", "pattern: give freeze=NAMES or train=NAMES");
  }
  return std::make_unique<Pattern>(config);
}

std::unique_ptr<FreezePolicy> make_role(const RoleConfig& config) {
  return std::make_unique<ByRole>(config);
}

std::unique_ptr<FreezePolicy> make_random_frozen(const RandomFrozenConfig& config) {
  if (config.k < 1) throw Error(Fault::usage, "policy", fmt::format("random-frozen: k={}", config.k));
  return std::make_unique<RandomFrozen>(config);
}

void freeze_prefix(std::span<BlockPlan> plan, std::size_t count) {
  for (std::size_t l = 0; l < plan.size(); ++l) plan[l].trains = l >= count;
}

Index steps_between(Index every, Index steps_per_epoch) {
  return every > 0 ? every : std::max<Index>(1, steps_per_epoch / 4);
}

void require_range(const char* policy, const char* key, double value, double low, double high) {
  if (!(value >= low && value <= high)) {
    throw Error(Fault::usage, "policy",
                fmt::format("{}: {}={} is not in [{}, {}]", policy, key, value, low, high));
  }
}

}  // namespace firn
