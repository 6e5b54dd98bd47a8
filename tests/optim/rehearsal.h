// A policy's run without a trainer.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "optim/policies/registry.h"
#include "tests/errors.h"
#include "tests/optim/policy_blocks.h"

namespace firn::test {

/// A policy in a run without a trainer.
struct Rehearsal {
  Blocks made;
  std::unique_ptr<FreezePolicy> policy;
  PolicyStart run;
  std::vector<BlockPlan> plan;
  std::vector<BlockStatistics> statistics;
  PolicyMoment now;

  Rehearsal(int blocks, const std::string& text, Index epochs = 1, Index steps_per_epoch = 1)
      : made(blocks),
        policy(parse_policy(text)),
        run(made.start(epochs, steps_per_epoch)),
        plan(static_cast<std::size_t>(blocks)),
        statistics(static_cast<std::size_t>(blocks)) {
    policy->start(run);
  }
  /// Decides the step of this number; '1' for each block that trains.
  std::string at(Index step, double schedule_factor = 1, double epoch_loss = 0) {
    now.step = step;
    now.epoch = step / run.steps_per_epoch;
    now.step_of_epoch = step % run.steps_per_epoch;
    now.schedule_factor = schedule_factor;
    now.epoch_loss = epoch_loss;
    now.blocks = statistics;
    policy->decide(now, plan);
    return set();
  }
  std::string set() const {
    std::string text;
    for (const BlockPlan& block : plan) text += block.trains ? '1' : '0';
    return text;
  }
  Needs needs() const { return policy->needs(now); }
  double rate(std::size_t block) const { return plan[block].rate; }
  /// The parameters that train, by name.
  std::string selected() {
    at(0);
    std::string text;
    for (std::size_t l = 0; l < plan.size(); ++l) {
      for (const Parameter* p : made.blocks[l].parameters) {
        if (plan[l].trains && policy->frozen_within().trains(*p)) text += p->name() + " ";
      }
    }
    return text;
  }
};

/// Whether a policy's text is refused in these words.
inline bool refuses(const std::string& text, const std::string& words) {
  return fails_with(Fault::usage, words, [&] { parse_policy(text); });
}

}  // namespace firn::test
