#include "tools/advise_trial.h"

#include <algorithm>
#include <chrono>

#include "engine/base/parallel.h"
#include "tools/step_forecast.h"

namespace firn::cli {

namespace {

Index batches_of(Index samples, Index batch) {
  return (samples + batch - 1) / batch;
}

Forecast priced(const Program& program, Machine& machine, const std::function<void(Index)>& each) {
  const int threads = thread_count();
  return forecast(program, threads, machine.overheads(program.threads_of(threads)), machine.prices(), each);
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
  resolve_training(training, session.recipe.model, choice.finetune && backbone);
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

TrialCost Trial::cost(Machine& machine, const std::function<void(Index)>& each) {
  const Index samples = session_.data.train->size(), batch = std::min(choice_.batch, samples);
  const Shape& sample = session_.recipe.input.sample;
  ProgramCache& programs = trainer_->programs();
  Program& program = programs.training(batch, sample);
  const RandomBatch random(*model_, batch, sample);
  random.feed(program, *model_);
  const Forecast step = priced(program, machine, each);
  std::vector<Index> counts;
  for (const GradientView& gradient : program.gradients()) counts.push_back(gradient.count);
  const OptimizerMaker make = [&] { return make_optimizer(choice_.training); };
  const double update = machine.optimizer_seconds(make, counts, thread_count());

  const auto steps = static_cast<double>(batches_of(samples, choice_.batch));
  const auto epochs = static_cast<double>(config_.epochs);
  // An evaluation is the forward part of steps; of the training step's, which keeps more.
  const double validation =
      static_cast<double>(session_.data.validation->size()) / static_cast<double>(batch);
  TrialCost cost;
  cost.step = step.seconds + update;
  cost.training = epochs * (steps * cost.step + validation * step.total.forward);
  if (const auto planned = trainer_->features().planned()) {
    Program& head = programs.head_training(batch, sample, planned->seam);
    const std::vector<Tensor> fed = feed_indices(head);
    const Forecast kept = priced(head, machine, each);
    const auto first = static_cast<double>(std::min(planned->epochs, config_.epochs));
    cost.kept = kept.seconds + update;
    cost.training = first * (steps * cost.step + validation * step.total.forward) +
                    (epochs - first) * (steps * cost.kept + validation * kept.total.forward);
  }
  const StepBytes bytes = step_bytes(*model_, program, make()->slots_of_a_parameter(), thread_count());
  cost.bytes = static_cast<double>(base_bytes(thread_count(), machine) + bytes.all());
  return cost;
}

std::optional<TrialResult> Trial::run(const std::function<bool()>& stop) {
  using Clock = std::chrono::steady_clock;
  const auto begin = Clock::now();
  bool stopped = false;
  TrainHooks hooks;
  hooks.stop = [&] { return stopped = stopped || stop(); };
  const History history = trainer_->run(hooks);
  if (stopped) return std::nullopt;
  TrialResult result;
  result.accuracy = history.best_accuracy;
  result.epoch = history.best_epoch;
  result.seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  return result;
}

}  // namespace firn::cli
