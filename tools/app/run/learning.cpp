#include "tools/app/run/learning.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "optim/trainer/can_learn.h"

namespace firn::cli {

Learning::Learning(Session& session, const LearningChoice& choice, TrainConfig config)
    : training_(choice.training), config_(std::move(config)) {
  const Augment augment = parse_augment(training_.augment);
  session.recipe.mirrored = session.recipe.mirrored || augment.flip;
  config_.cache = make_cache(choice.cache, augment.any());
  thaws_ = parse_thaws(*session.model, choice.freeze);
  apply_freeze_rules(choice.freeze, choice.run.exact, config_.program);
  apply_policy(choice.policy, choice.freeze, config_);
  if (config_.policy && config_.policy->draws()) config_.policy->set_data(fingerprint(*session.data.train));
  config_.audit_steps = choice.audit_steps;
  config_.program.seed = choice.run.seed;
  config_.program.task = session.task;
  const std::string weighed = resolve_class_weights(training_, *session.data.train, config_);
  if (!weighed.empty()) session.notes.push_back(weighed);
  config_.keep_best = choice.keep_best;

  const Index batch = choice.run.batch;
  options_ = loader_options(session, batch, choice.run.seed);
  options_.augment = augment;
  options_.views = choice.cache.views;
  const Index samples = session.data.train->size();
  if (samples > batch && samples % batch == 1 &&
      !trains_on_one(*session.model, config_.program, session.recipe.input.sample)) {
    options_.keep_last = false;
    session.notes.push_back(
        fmt::format("the last batch of an epoch is left out: it has one sample, which batch norms cannot "
                    "normalise (--batch {})",
                    batch));
  }
  train_.emplace(session.data.train, options_);
  options_.augment = {};
  options_.keep_last = true;
  options_.shuffle = false;
  if (session.data.validation) validation_.emplace(session.data.validation, options_);
  optimizer_ = make_optimizer(training_);
  apply_frozen_state(choice.policy, *optimizer_);
  if (validation_) {
    trainer_.emplace(*session.model, *optimizer_, *train_, *validation_, config_);
  } else {
    trainer_.emplace(*session.model, *optimizer_, *train_, config_);
  }
  // What does not fit shows here, before anything is written.
  trainer_->programs().training(std::min(batch, samples), session.recipe.input.sample);
}

}  // namespace firn::cli
