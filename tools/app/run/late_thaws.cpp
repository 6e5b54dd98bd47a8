#include "tools/app/run/late_thaws.h"

#include <fmt/core.h>

#include <algorithm>

#include "optim/policies/registry.h"
#include "optim/trainer/freezer.h"

namespace firn::cli {

namespace {

constexpr double kNothing = 0.01;  // of the rate
constexpr double kHalf = 0.5;

std::string option_of(const Thaw& thaw) {
  return fmt::format("--thaw {}:{}", thaw.epoch, thaw.pattern);
}

/// The greatest factor on the rate from step `first` on; `warm_up` steps from there it is still rising.
double greatest_factor(const RunClock& clock, Index first, Index warm_up, Index last_epoch) {
  const Index steps = clock.epochs * clock.steps_per_epoch, end = last_epoch * clock.steps_per_epoch;
  // A long run is looked at in places: the schedules change slowly.
  constexpr Index kLooks = 10000;
  const Index stride = std::max<Index>(1, (end - first) / kLooks);
  double greatest = 0;
  for (Index step = first; step < end; step += stride) {
    const double risen =
        step - first < warm_up ? static_cast<double>(step - first + 1) / static_cast<double>(warm_up) : 1;
    greatest = std::max(greatest, risen * clock.schedule(step, steps));
  }
  return greatest;
}

Index first_step(const Thaw& thaw, const RunClock& clock) {
  return (thaw.epoch - 1) * clock.steps_per_epoch;
}

/// Of a thaw that comes: what is wrong with its rate; empty: nothing.
std::string rate_fault(const Thaw& thaw, const RunClock& clock, Index last_epoch) {
  const Index first = first_step(thaw, clock), left = last_epoch * clock.steps_per_epoch - first;
  const double scheduled = greatest_factor(clock, first, 0, last_epoch);
  const double risen = greatest_factor(clock, first, clock.thaw_warm_up, last_epoch);
  if (scheduled < kNothing) return fmt::format("the schedule leaves {:.2g} of the rate there", scheduled);
  if (clock.thaw_warm_up > left && risen < kHalf) {
    return fmt::format(
        "--thaw-warm-up {} is longer than the {} steps that are left: the rate gets to {:.2g} of its own",
        clock.thaw_warm_up, left, risen);
  }
  return "";
}

}  // namespace

std::vector<std::string> foreseen(const std::vector<Thaw>& thaws, const RunClock& clock) {
  std::vector<std::string> texts;
  for (const Thaw& thaw : thaws) {
    if (thaw.epoch > clock.epochs) {
      texts.push_back(fmt::format("{} never comes: the run has {} epochs", option_of(thaw), clock.epochs));
      continue;
    }
    if (clock.patience > 0 && thaw.epoch > 1 + clock.patience) {
      texts.push_back(fmt::format("{} may never come: --patience {} can end the run after epoch {}",
                                  option_of(thaw), clock.patience, 1 + clock.patience));
    }
    const std::string fault = rate_fault(thaw, clock, clock.epochs);
    if (!fault.empty()) texts.push_back(fmt::format("{} comes late: {}", option_of(thaw), fault));
  }
  const double greatest = greatest_factor(clock, 0, 0, clock.epochs);
  if (greatest < kHalf) {
    texts.push_back(fmt::format(
        "--schedule is meant for a longer run: in {} steps the rate gets to {:.2g} of what --rate "
        "says",
        clock.epochs * clock.steps_per_epoch, greatest));
  }
  return texts;
}

std::vector<std::string> foreseen(const std::string& policy, const Model& model, const RunClock& clock) {
  const std::string name = policy.substr(0, policy.find(','));
  if (name != "gradual" && name != "lp-ft" && name != "fine-tune") return {};
  PolicyStart start;
  start.blocks = policy_blocks(model);
  start.model_blocks = static_cast<int>(model.blocks().size());
  start.epochs = clock.epochs;
  start.steps_per_epoch = clock.steps_per_epoch;
  const std::vector<PolicyBlock> blocks = start.blocks;
  const PolicyPtr trial = parse_policy(policy);
  trial->start(std::move(start));
  std::vector<BlockPlan> plan(blocks.size());
  std::vector<bool> trained(blocks.size(), false);
  PolicyMoment now;
  for (now.epoch = 0; now.epoch < std::min<Index>(clock.epochs, 100000); ++now.epoch) {
    now.step = now.epoch * clock.steps_per_epoch;
    trial->decide(now, plan);
    for (std::size_t l = 0; l < plan.size(); ++l) trained[l] = trained[l] || plan[l].trains;
  }
  std::string never;
  for (std::size_t l = 0; l < blocks.size(); ++l) {
    if (!trained[l]) never += (never.empty() ? "" : ", ") + blocks[l].name;
  }
  if (never.empty()) return {};
  return {fmt::format("policy {}: {} never train: the run has {} epochs", name, never, clock.epochs)};
}

std::vector<std::string> missed(const std::vector<Thaw>& thaws, const RunClock& clock, Index last_epoch) {
  std::vector<std::string> texts;
  for (const Thaw& thaw : thaws) {
    if (thaw.epoch > last_epoch) {
      texts.push_back(fmt::format("{} never came: the run ended with epoch {}{}", option_of(thaw), last_epoch,
                                  last_epoch < clock.epochs ? fmt::format(" of {}", clock.epochs) : ""));
      continue;
    }
    const std::string fault = rate_fault(thaw, clock, last_epoch);
    if (!fault.empty()) texts.push_back(fmt::format("{} came late: {}", option_of(thaw), fault));
  }
  return texts;
}

}  // namespace firn::cli
