#include "optim/trainer/trainer.h"

#include <fmt/core.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>
#include <utility>

#include "engine/base/error.h"
#include "engine/base/float_mode.h"
#include "engine/base/seconds.h"
#include "layers/dense.h"
#include "optim/trainer/can_learn.h"
#include "optim/trainer/feed.h"
#include "optim/trainer/non_finite.h"
#include "optim/trainer/task_of.h"

namespace firn {

namespace {

/// `config`'s decay for n samples: the loss is their mean, so a prior of variance v is a decay of 1 / (v n).
std::unique_ptr<StandardisedHead> make_head(const Model& model, const HeadConfig& config, Index n) {
  if (!config.standardised) return nullptr;
  const auto dense =
      model.children().empty() ? nullptr : std::dynamic_pointer_cast<Dense>(model.children().back().layer);
  const std::vector<NamedParameter> own = dense ? dense->parameters() : std::vector<NamedParameter>();
  if (own.size() != 2) {
    throw Error(Fault::usage, "train", model.name() + " does not end in a dense layer with a bias");
  }
  const double deviation = config.logit_deviation;
  if (!(deviation >= 0)) throw Error(Fault::usage, "train", fmt::format("logits of deviation {}", deviation));
  const auto features = static_cast<double>(own[0].parameter->shape()[0]);
  const double decay = deviation > 0 ? features / (deviation * deviation * static_cast<double>(n)) : 0;
  return std::make_unique<StandardisedHead>(*own[0].parameter, *own[1].parameter, decay);
}

TrainConfig with_task(TrainConfig config, const DataInfo& info) {
  if (config.program.task == nullptr) config.program.task = task_of(info);
  return config;
}

}  // namespace

double peak_rss_mb() {
  // What getrusage says includes the program that started this one.
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmHWM:")) return std::strtod(line.c_str() + 6, nullptr) / 1024;
  }
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

Trainer::Trainer(Model& model, Optimizer& optimizer, Loader& train, Loader* validation, TrainConfig config)
    : model_(model),
      optimizer_(optimizer),
      train_(train),
      validation_(validation),
      config_(with_task(std::move(config), train.data().info())),
      programs_(model, config_.program),
      features_(model, programs_, config_.program, config_.cache, train, validation, config_.epochs),
      audit_(model.parameters()),
      parameters_(model),
      best_(parameters_, config_.keep_best || config_.restore_best),
      statistics_(parameters_),
      head_(make_head(model, config_.head, train.data().size())) {
  if (config_.thaw_warm_up < 0) {
    throw Error(Fault::usage, "train", fmt::format("{} steps of thaw warm-up", config_.thaw_warm_up));
  }
  if (config_.epochs < 1) throw Error(Fault::usage, "train", fmt::format("{} epochs", config_.epochs));
  if (config_.patience > 0 && validation_ == nullptr) {
    throw Error(Fault::usage, "train", "patience wants a validation part, and there is none");
  }
  if (!config_.block_rates.empty() && config_.block_rates.size() != model.blocks().size()) {
    throw Error(
        Fault::usage, "train",
        fmt::format("{} block rates for {} blocks", config_.block_rates.size(), model.blocks().size()));
  }
  // A policy that does not fit says so here, before anything is done.
  require_learning_head(model_, Freezer(model_, optimizer_, freezer_options()).first_set(policy_start()));
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

std::vector<NamedTensor> Trainer::best_weights() const {
  return best_.weights();
}

Evaluation Trainer::test(Loader& loader,
                         const std::function<void(const Batch&, const real* logits)>& on_batch) {
  // The last weights come back however this ends.
  struct Back {
    std::vector<std::pair<ParameterPtr, Tensor>> last = {};
    ~Back() {
      for (auto& [parameter, values] : last) parameter->from_file(values);
    }
  } back;
  back.last = best_.replaced();
  best_.restore();
  return evaluate(model_, programs_, loader, on_batch, nullptr, freeze_set(), &train_);
}

double Trainer::train_step(const Batch& batch, const PolicyMoment& now) {
  EpochRecord& record = run_->record;
  Freezer& freezer = *run_->freezer;
  const bool kept = features_.active();
  Program& program = kept ? features_.training(batch)
                          : programs_.training(batch.count, batch.x.shape().tail(1), freezer.set());
  if (!kept) feed_batch(program, model_, batch);
  program.feed("targets", batch.targets);
  program.run(static_cast<std::uint64_t>(step_));
  const double loss = static_cast<double>(*program.output_data("loss"));
  if (!std::isfinite(loss)) {
    throw non_finite_step(
        fmt::format("the loss is {} in epoch {}, step {}", loss, record.epoch, record.steps + 1), step_ == 0,
        cause_of_non_finite(model_, programs_, batch, train_));
  }
  StepOptions options;
  options.rate_factor = freezer.replaces_schedule() ? 1 : now.schedule_factor;
  options.clip_norm = config_.clip_norm;
  freezer.before_update(program.gradients());
  // A sum until the epoch is over.
  double norm = 0;
  try {
    norm = update(program.gradients(), options);
  } catch (const Error& error) {
    if (error.fault() != Fault::non_finite) throw;
    const std::string text = error.what();  // "[optimizer] the gradient of ..."
    throw non_finite_step(fmt::format("{} in epoch {}, step {}", text.substr(error.operation().size() + 3),
                                      record.epoch, record.steps + 1),
                          step_ == 0, cause_of_non_finite(model_, programs_, batch, train_));
  }
  if (step_ == 0 && norm == 0) require_open_path(model_, freezer.set());
  record.gradient_norm += norm;
  freezer.after_update();
  record.rate = optimizer_.rate() * options.rate_factor * freezer.greatest_rate();
  return loss;
}

/// The norm of the gradients that the optimizer saw.
double Trainer::update(std::span<const GradientView> gradients, const StepOptions& options) {
  if (!head_) return optimizer_.step(gradients, options).gradient_norm;
  try {
    const double norm = optimizer_.step(head_->enter(gradients), options).gradient_norm;
    head_->leave();
    return norm;
  } catch (...) {
    head_->abandon();
    throw;
  }
}

/// Mean and deviation of what the head reads of the first samples of the epoch, without augmentation, as it
/// will be asked. Where their features are kept these are among them.
void Trainer::measure_head(const TrainHooks& hooks, std::uint64_t epoch) {
  constexpr Index kSamples = 1024;
  const Shape& sample = train_.data().info().shape;
  const CutPoint cut = model_.cut_point_at(model_.children().size() - 1, sample);
  const bool changed = train_.options().augment.any();
  const bool kept = features_.active() && features_.cut().child == cut.child && !changed;
  head_->forget();
  train_.start(epoch, 0, changed ? Content::unchanged : features_.content(FeatureCache::Part::train, epoch));
  while (head_->samples() < kSamples) {
    const Batch* batch = train_.next();
    if (batch == nullptr) break;
    if (kept) {
      head_->measure(features_.features(FeatureCache::Part::train, *batch).data(), batch->count);
    } else {
      Program& program =
          programs_.features(batch->count, batch->x.shape().tail(1), cut, nullptr, run_->freezer->set());
      feed_batch(program, model_, *batch);
      program.run();
      head_->measure(program.output_data("features"), batch->count);
    }
    if (hooks.stop && hooks.stop()) return head_->forget();
  }
  head_->measured();
}

double Trainer::seconds_trained() const {
  return run_->record.seconds + (run_->training ? seconds_since(run_->since) : 0);
}

bool Trainer::train_epoch(const TrainHooks& hooks) {
  Run& run = *run_;
  EpochRecord& record = run.record;
  const Index steps = train_.batches();
  const Index all_steps = steps * config_.epochs;
  bool whole = true;
  bool first = true;
  const auto number = static_cast<std::uint64_t>(record.epoch - 1);
  run.since = Clock::now();
  run.training = true;
  Content content = features_.content(FeatureCache::Part::train, number);
  train_.start(number, record.steps, content);
  while (record.steps < steps) {
    PolicyMoment now;
    now.step = (record.epoch - 1) * steps + record.steps;
    now.epoch = record.epoch - 1;
    now.step_of_epoch = record.steps;
    now.schedule_factor = config_.schedule(step_, all_steps);
    now.epoch_loss = run.history.epochs.empty() ? 0 : run.history.epochs.back().loss;
    const std::span<const FreezeChange> changes = run.freezer->before_step(now);
    run.history.changes.insert(run.history.changes.end(), changes.begin(), changes.end());
    if (hooks.on_freeze && !changes.empty()) hooks.on_freeze(changes);
    record.trained_share += run.freezer->trained_share();  // a sum until the epoch is over
    if (std::exchange(first, false)) {
      features_.begin_epoch(record.epoch - 1, run.freezer->set());
    } else {
      features_.invalidate_if_stale(run.freezer->set());
    }
    if (config_.audit_steps || record.steps == 0) {
      audit_.take_up(run.freezer->set());
    } else {
      audit_.verify_changed(run.freezer->set());
    }
    const bool measure = head_ && !head_->ready();
    if (measure) measure_head(hooks, number);
    if (measure || content != features_.content(FeatureCache::Part::train, number)) {
      content = features_.content(FeatureCache::Part::train, number);
      train_.start(number, record.steps, content);
    }
    const Batch* batch = train_.next();
    if (batch == nullptr) break;
    best_.keep_thawed(run.freezer->set());
    statistics_.keep();
    double loss = 0;
    try {
      loss = train_step(*batch, now);
    } catch (const Error&) {
      statistics_.restore();
      throw;
    }
    run.loss_sum += loss * static_cast<double>(batch->count);
    run.samples += batch->count;
    ++step_;
    ++record.steps;
    if (config_.audit_steps) audit_.check(step_);
    if (hooks.after_step) hooks.after_step(record.steps, steps, loss);
    if (hooks.stop && hooks.stop()) {
      whole = false;
      break;
    }
  }
  features_.end_epoch();
  record.seconds = seconds_trained();
  run.training = false;
  return whole;
}

/// False when it was stopped.
bool Trainer::evaluate_epoch(const TrainHooks& hooks) {
  struct Stopped {};
  EpochRecord& record = run_->record;
  const auto begin = Clock::now();
  try {
    const auto stop = [&](const Batch&, const real*) {
      if (hooks.stop && !run_->history.interrupted && hooks.stop()) throw Stopped();
    };
    features_.invalidate_if_stale(run_->freezer->set());
    run_->history.last_evaluation =
        evaluate(model_, programs_, *validation_, stop, &features_, run_->freezer->set(), &train_);
  } catch (const Stopped&) {
    return false;
  }
  record.eval_seconds = seconds_since(begin);
  record.validation_score = run_->history.last_evaluation.score();
  record.validation_metrics = run_->history.last_evaluation.metrics;
  record.validation_loss = run_->history.last_evaluation.loss;
  record.evaluated = record.validated = true;
  return true;
}

double Trainer::merit(const EpochRecord& record) const {
  return task().merit(record.validation_loss, record.validation_metrics);
}

/// The record goes into the history, and the next one begins.
void Trainer::end_epoch() {
  History& history = run_->history;
  EpochRecord& record = run_->record;
  record.loss = run_->samples > 0 ? run_->loss_sum / static_cast<double>(run_->samples) : 0;
  const auto made = static_cast<double>(std::max<Index>(1, record.steps));
  record.gradient_norm /= made;
  record.trained_share /= made;
  record.rss_mb = peak_rss_mb();
  if (!record.evaluated && !history.epochs.empty()) {
    record.validation_score = history.epochs.back().validation_score;
    record.validation_metrics = history.epochs.back().validation_metrics;
    record.validation_loss = history.epochs.back().validation_loss;
    record.validated = history.epochs.back().validated;
  }
  history.epochs.push_back(record);
  const auto best = [&] { return merit(history.epochs[static_cast<std::size_t>(history.best_epoch - 1)]); };
  if (record.evaluated && (history.best_epoch == 0 || merit(record) >= best())) {
    history.best_epoch = record.epoch;
    history.best_score = record.validation_score;
    best_.keep();
  }
  // An epoch that is as good as the best one takes its place, but is no better.
  const auto first = std::find_if(history.epochs.begin(), history.epochs.end(),
                                  [&](const EpochRecord& r) { return r.evaluated && merit(r) == best(); });
  history.stopped_early = !history.interrupted && config_.patience > 0 && first != history.epochs.end() &&
                          record.epoch - first->epoch >= config_.patience;
  const Index next = record.epoch + 1;
  record = {};
  record.epoch = next;
  run_->loss_sum = 0;
  run_->samples = 0;
}

void Trainer::begin() {
  parameters_.begin();
  best_.begin();
  audit_.restart();
  if (head_) head_->forget();
  run_ = std::make_unique<Run>();
  run_->record.epoch = 1;
  run_->freezer = std::make_unique<Freezer>(model_, optimizer_, freezer_options());
  run_->freezer->start(policy_start(), config_.program, train_);
}

bool Trainer::over() const {
  const History& history = run_->history;
  return run_->record.epoch > config_.epochs || history.stopped_early || history.interrupted;
}

History Trainer::run(const TrainHooks& hooks) {
  const FlushSubnormals flush;
  // Rates are as before when the run is over, however it ends.
  struct End {
    std::unique_ptr<Run>& run;
    ~End() { run.reset(); }
  } end{run_};
  features_.set_report(hooks.on_cache);
  if (!run_) begin();
  History& history = run_->history;
  while (!over()) {
    const EpochRecord& record = run_->record;
    if (hooks.before_epoch && record.steps == 0) hooks.before_epoch(record.epoch);
    history.interrupted = !train_epoch(hooks);
    const bool due =
        record.epoch % config_.evaluate_every == 0 || record.epoch == config_.epochs || history.interrupted;
    if (due && validation_ != nullptr) {
      if (!evaluate_epoch(hooks)) {
        history.interrupted = true;
        break;
      }
    }
    end_epoch();
    if (hooks.after_epoch) hooks.after_epoch(history.epochs.back());
  }
  history.audit = audit_.finish();
  if (config_.restore_best) best_.restore();
  return std::move(history);
}

}  // namespace firn
