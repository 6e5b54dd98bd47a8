#include "optim/trainer/trainer.h"

#include <fmt/core.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>

#include "engine/base/error.h"

namespace firn {

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

}  // namespace

double peak_rss_mb() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

Trainer::Trainer(Model& model, Optimizer& optimizer, Loader& train, Loader& test, TrainConfig config)
    : model_(model),
      optimizer_(optimizer),
      train_(train),
      test_(test),
      config_(std::move(config)),
      programs_(model, config_.program),
      features_(model, programs_, config_.program, config_.cache, train, test, config_.epochs) {
  if (config_.thaw_warm_up < 0) {
    throw Error(Fault::usage, "train", fmt::format("{} steps of thaw warm-up", config_.thaw_warm_up));
  }
  if (config_.epochs < 1) throw Error(Fault::usage, "train", fmt::format("{} epochs", config_.epochs));
  for (const NamedParameter& p : model.parameters()) {
    if (p.parameter->role() == Role::statistic)
      statistics_.emplace_back(p.parameter, p.parameter->value().clone());
  }
  if (!config_.block_rates.empty() && config_.block_rates.size() != model.blocks().size()) {
    throw Error(
        Fault::usage, "train",
        fmt::format("{} block rates for {} blocks", config_.block_rates.size(), model.blocks().size()));
  }
  // A policy that does not fit says so here, before anything is done.
  Freezer(model_, optimizer_, freezer_options()).introduce(policy_start());
}

PolicyStart Trainer::policy_start() const {
  PolicyStart start;
  start.epochs = config_.epochs;
  start.steps_per_epoch = train_.batches();
  start.seed = config_.program.seed;
  return start;
}

FreezerOptions Trainer::freezer_options() const {
  return {config_.policy, config_.block_rates, config_.thaw_warm_up};
}

void Trainer::keep_best() {
  if (best_.empty()) {
    for (const NamedParameter& p : model_.parameters())
      best_.emplace_back(p.parameter, p.parameter->value().clone());
    return;
  }
  for (auto& [parameter, copy] : best_) {
    std::memcpy(copy.raw(), parameter->value().raw(), static_cast<std::size_t>(copy.bytes()));
  }
}

void Trainer::restore_best() {
  for (auto& [parameter, copy] : best_) {
    std::memcpy(parameter->mutable_value().raw(), copy.raw(), static_cast<std::size_t>(copy.bytes()));
    parameter->touch();
  }
}

// The forward pass moves running statistics before it is known whether its numbers are any.
void Trainer::keep_statistics() {
  for (auto& [parameter, copy] : statistics_) {
    std::memcpy(copy.raw(), parameter->value().raw(), static_cast<std::size_t>(copy.bytes()));
  }
}

void Trainer::restore_statistics() {
  for (auto& [parameter, copy] : statistics_) {
    std::memcpy(parameter->mutable_value().raw(), copy.raw(), static_cast<std::size_t>(copy.bytes()));
    parameter->touch();
  }
}

double Trainer::train_step(const Batch& batch, const PolicyMoment& now, Freezer& freezer,
                           EpochRecord& record) {
  const bool kept = features_.active();
  Program& program =
      kept ? features_.training(batch) : programs_.training(batch.count, batch.x.shape().tail(1));
  if (!kept) feed_batch(program, model_, batch);
  program.feed("labels", batch.labels);
  program.run(static_cast<std::uint64_t>(step_));
  const double loss = static_cast<double>(*program.output_data("loss"));
  if (!std::isfinite(loss)) {
    throw Error(Fault::non_finite, "train",
                fmt::format("the loss is {} in epoch {}, step {} (a smaller --rate may help)", loss,
                            record.epoch, record.steps + 1));
  }
  StepOptions options;
  options.rate_factor = freezer.replaces_schedule() ? 1 : now.schedule_factor;
  options.clip_norm = config_.clip_norm;
  freezer.before_update(program.gradients());
  // A sum until the epoch is over.
  record.gradient_norm += optimizer_.step(program.gradients(), options).gradient_norm;
  freezer.after_update();
  record.rate = optimizer_.rate() * options.rate_factor * freezer.greatest_rate();
  return loss;
}

bool Trainer::train_epoch(Index epoch, const TrainHooks& hooks, Freezer& freezer, History& history,
                          EpochRecord& record) {
  const Index steps = train_.batches();
  const Index all_steps = steps * config_.epochs;
  Index samples = 0;
  double loss_sum = 0;
  bool whole = true;
  const auto number = static_cast<std::uint64_t>(epoch - 1);
  Content content = features_.content(FeatureCache::Part::train, number);
  train_.start(number, 0, content);
  while (record.steps < steps) {
    PolicyMoment now;
    now.step = (epoch - 1) * steps + record.steps;
    now.epoch = epoch - 1;
    now.step_of_epoch = record.steps;
    now.schedule_factor = config_.schedule(step_, all_steps);
    now.epoch_loss = history.epochs.empty() ? 0 : history.epochs.back().loss;
    const std::span<const FreezeChange> changes = freezer.before_step(now);
    history.changes.insert(history.changes.end(), changes.begin(), changes.end());
    if (hooks.on_freeze && !changes.empty()) hooks.on_freeze(changes);
    record.trained_share += freezer.trained_share();  // a sum until the epoch is over
    if (record.steps == 0) {
      features_.begin_epoch(epoch - 1);
    } else {
      features_.look();
    }
    if (content != features_.content(FeatureCache::Part::train, number)) {
      content = features_.content(FeatureCache::Part::train, number);
      train_.start(number, record.steps, content);
    }
    const Batch* batch = train_.next();
    if (batch == nullptr) break;
    keep_statistics();
    double loss = 0;
    try {
      loss = train_step(*batch, now, freezer, record);
    } catch (const Error&) {
      restore_statistics();
      throw;
    }
    loss_sum += loss * static_cast<double>(batch->count);
    samples += batch->count;
    ++step_;
    ++record.steps;
    if (hooks.after_step) hooks.after_step(record.steps, steps, loss);
    if (hooks.stop && hooks.stop()) {
      whole = false;
      break;
    }
  }
  record.loss = samples > 0 ? loss_sum / static_cast<double>(samples) : 0;
  const auto made = static_cast<double>(std::max<Index>(1, record.steps));
  record.gradient_norm /= made;
  record.trained_share /= made;
  features_.end_epoch();
  return whole;
}

History Trainer::run(const TrainHooks& hooks) {
  History history;
  features_.set_report(hooks.on_cache);
  Freezer freezer(model_, optimizer_, freezer_options());
  freezer.start(policy_start(), config_.program, train_);
  for (Index epoch = 1; epoch <= config_.epochs; ++epoch) {
    if (hooks.before_epoch) hooks.before_epoch(epoch);
    EpochRecord record;
    record.epoch = epoch;
    const auto begin = Clock::now();
    const bool whole = train_epoch(epoch, hooks, freezer, history, record);
    record.seconds = seconds_since(begin);

    if (epoch % config_.evaluate_every == 0 || epoch == config_.epochs || !whole) {
      const auto eval_begin = Clock::now();
      features_.look();
      history.last_evaluation = evaluate(model_, programs_, test_, {}, &features_);
      const Evaluation& evaluation = history.last_evaluation;
      record.eval_seconds = seconds_since(eval_begin);
      record.test_accuracy = evaluation.accuracy();
      record.test_loss = evaluation.loss;
      record.evaluated = true;
    } else if (!history.epochs.empty()) {
      record.test_accuracy = history.epochs.back().test_accuracy;
      record.test_loss = history.epochs.back().test_loss;
    }
    record.rss_mb = peak_rss_mb();
    history.epochs.push_back(record);
    if (record.evaluated && (history.best_epoch == 0 || record.test_accuracy > history.best_accuracy)) {
      history.best_epoch = epoch;
      history.best_accuracy = record.test_accuracy;
      if (config_.restore_best) keep_best();
    }
    if (hooks.after_epoch) hooks.after_epoch(record);
    if (!whole) {
      history.interrupted = true;
      break;
    }
    if (config_.patience > 0 && epoch - history.best_epoch >= config_.patience) {
      history.stopped_early = true;
      break;
    }
  }
  if (config_.restore_best) restore_best();
  return history;
}

}  // namespace firn
