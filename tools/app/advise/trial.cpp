#include "tools/app/advise/trial.h"

#include <algorithm>

#include "engine/base/seconds.h"

namespace firn::cli {

namespace {

Index batches_of(Index samples, Index batch) {
  return (samples + batch - 1) / batch;
}

}  // namespace

ModelPtr copy_of(const Session& session) {
  const ModelPtr model = make_model(session.recipe);
  const auto theirs = session.model->parameters(), ours = model->parameters();
  for (std::size_t i = 0; i < ours.size(); ++i) {
    std::copy_n(theirs[i].parameter->value().data(), ours[i].parameter->value().count(),
                ours[i].parameter->mutable_value().data());
    ours[i].parameter->touch();
  }
  return model;
}

Trial::Trial(const Session& session, const TrialChoice& choice, Index frozen)
    : session_(session), choice_(choice), model_(copy_of(session)) {
  model_->set_freeze(frozen == 0 ? "none" : std::to_string(frozen));
  TrainingChoice& training = choice_.training;
  config_ = make_config(training);
  const bool backbone = backbone_trains(*model_);
  resolve_training(training, *session.model, choice.finetune && backbone);
  if (choice.finetune) {
    resolve_finetune({.head_alone = !backbone, .replace_head = choice.replace_head, .batch = choice.batch},
                     session, training, config_);
  }
  const Augment augment = parse_augment(training.augment);
  config_.cache = make_cache({}, augment.any());
  config_.program.exact = choice.exact;
  config_.program.seed = choice.seed;
  LoaderOptions options = loader_options(session, choice.batch, choice.seed);
  options.augment = augment;
  train_ = std::make_unique<Loader>(session.data.train, options);
  options.augment = {};
  options.shuffle = false;
  validation_ = std::make_unique<Loader>(session.data.validation, options);
  optimizer_ = make_optimizer(training);
  trainer_ = std::make_unique<Trainer>(*model_, *optimizer_, *train_, *validation_, config_);
}

Index Trial::steps() const {
  return config_.epochs * batches_of(session_.data.train->size(), choice_.batch);
}

TrainingCost Trial::cost(Machine& machine, const std::function<void(Index)>& each) {
  const TrainingTask task{session_, *model_, config_.epochs, choice_.batch,
                          [this] { return make_optimizer(choice_.training); }};
  return training_cost(task, *trainer_, machine, each);
}

std::optional<TrialResult> Trial::run(const std::function<bool()>& stop) {
  const double begin = seconds_now();
  bool stopped = false;
  TrainHooks hooks;
  hooks.stop = [&] { return stopped = stopped || stop(); };
  const History history = trainer_->run(hooks);
  if (stopped) return std::nullopt;
  TrialResult result;
  result.accuracy = history.best_score;
  result.epoch = history.best_epoch;
  result.seconds = seconds_since(begin);
  return result;
}

}  // namespace firn::cli
