#include "optim/trainer/trainer.h"

#include <fmt/core.h>
#include <sys/resource.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>
#include <utility>

#include "engine/base/error.h"
#include "engine/base/float_mode.h"
#include "engine/base/seconds.h"
#include "optim/trainer/feed.h"
#include "optim/trainer/non_finite.h"
#include "optim/trainer/task_of.h"

namespace firn {

namespace {

TrainConfig with_task(TrainConfig config, const DataInfo& info) {
  if (config.program.task == nullptr) config.program.task = task_of(info);
  return config;
}

BestWeights::Wanted best_wanted(const TrainConfig& config) {
  if (config.restore_best) return BestWeights::Wanted::restored;
  return config.keep_best ? BestWeights::Wanted::kept : BestWeights::Wanted::no;
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
      parameters_(model),
      features_(model, programs_, config_.program, config_.cache, train, validation, config_.epochs),
      audit_(model.parameters(), config_.audit_steps),
      head_(HeadStandardiser::make(model, programs_, features_, train, config_.head)),
      best_(parameters_, best_wanted(config_)),
      statistics_(parameters_),
      open_path_(model) {
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

/// The order of all that takes part in a step, here and nowhere else. Each one declares what it reads and
/// sets.
void Trainer::list_extensions() {
  extensions_.clear();
  extensions_.add("freezer", *freezer_);       // decides what trains; collects what its policy needs to know
  extensions_.add("changes", freeze_log_);     // history and observer hear of it
  extensions_.add("features", features_);      // a step may go from features that are kept
  extensions_.add("audit", audit_);            // hashes what is frozen
  if (head_) extensions_.add("head", *head_);  // measures its features; the update sees other gradients
  extensions_.add("best", best_);              // copies what trains for the first time
  extensions_.add("statistics", statistics_);  // running ones come back where the step fails
  extensions_.add("open path", open_path_);    // whether any gradient passed
  for (const auto& [name, extension] : config_.extensions) extensions_.add("extension." + name, *extension);
}

StepMoment Trainer::next_step(const TrainHooks& hooks, bool first) const {
  const EpochRecord& record = run_->record;
  const Index steps = train_.batches();
  StepMoment now;
  now.time.step = (record.epoch - 1) * steps + record.steps;
  now.time.epoch = record.epoch - 1;
  now.time.step_of_epoch = record.steps;
  now.time.schedule_factor = config_.schedule(step_, steps * config_.epochs);
  now.time.epoch_loss = run_->history.epochs.empty() ? 0 : run_->history.epochs.back().loss;
  now.number = step_;
  now.opens_epoch = record.steps == 0;
  now.opens_visit = first;
  now.hooks = &hooks;
  now.history = &run_->history;
  return now;
}

/// Forward and backward pass of the batch.
void Trainer::compute_gradients(StepMoment& now) {
  const Batch& batch = *now.batch;
  if (now.program == nullptr) {
    now.program = &programs_.training(batch.count, batch.x.shape().tail(1), *now.freeze);
    feed_batch(*now.program, model_, batch);
  }
  now.program->feed("targets", batch.targets);
  now.program->run(static_cast<std::uint64_t>(now.number));
  now.gradients = now.program->gradients();
  now.loss = static_cast<double>(*now.program->output_data("loss"));
  if (!std::isfinite(now.loss))
    throw Error(Fault::non_finite, "train", fmt::format("the loss is {}", now.loss));
}

/// From the batch to new weights; where it throws weights and statistics are those of the step before.
void Trainer::train_step(StepMoment& now) {
  struct Undo {
    const Extensions* of;
    ~Undo() {
      if (of != nullptr) of->call_reversed(&TrainerExtension::step_failed);
    }
  };
  extensions_.call(&TrainerExtension::before_forward, now);
  try {
    Undo undo{&extensions_};
    compute_gradients(now);
    extensions_.call(&TrainerExtension::after_backward, now);
    extensions_.call(&TrainerExtension::before_update, now);
    const StepOptions options{.rate_factor = now.rate_factor, .clip_norm = config_.clip_norm};
    now.gradient_norm = optimizer_.step(now.gradients, options).gradient_norm;
    extensions_.call_reversed(&TrainerExtension::after_update, now);
    undo.of = nullptr;
  } catch (const Error& error) {
    if (error.fault() != Fault::non_finite) throw;
    const std::string text = error.what();  // "[optimizer] the gradient of ..."
    throw non_finite_step(fmt::format("{} in epoch {}, step {}", text.substr(error.operation().size() + 3),
                                      now.time.epoch + 1, now.time.step_of_epoch + 1),
                          now.number == 0, cause_of_non_finite(model_, programs_, *now.batch, train_));
  }
}

double Trainer::seconds_trained() const {
  return run_->record.seconds + (run_->training ? seconds_since(run_->since) : 0);
}

/// False when it was stopped.
bool Trainer::train_epoch(const TrainHooks& hooks) {
  Run& run = *run_;
  EpochRecord& record = run.record;
  const Index steps = train_.batches();
  const auto number = static_cast<std::uint64_t>(record.epoch - 1);
  run.since = seconds_now();
  run.training = true;
  bool stopped = false;
  std::optional<Content> reading;
  while (record.steps < steps && !stopped) {
    StepMoment now = next_step(hooks, !reading);
    extensions_.call(&TrainerExtension::before_step, now);
    if (reading != now.content || now.reader_moved) {
      train_.start(number, record.steps, now.content);
      reading = now.content;
    }
    const double asked = seconds_now();
    now.batch = train_.next();
    run.history.waiting_seconds += seconds_since(asked);
    if (now.batch == nullptr) break;
    train_step(now);
    const Index count = now.batch->count;
    run.loss_sum += now.loss * static_cast<double>(count);
    run.samples += count;
    record.trained_share += now.trained_share;  // sums until the epoch is over
    record.gradient_norm += now.gradient_norm;
    record.rate = optimizer_.rate() * now.rate_factor * now.greatest_rate;
    ++step_;
    ++record.steps;
    if (hooks.after_step) hooks.after_step(record.steps, steps, now.loss);
    stopped = hooks.stop && hooks.stop();
  }
  extensions_.call(&TrainerExtension::after_steps);
  record.seconds = seconds_trained();
  run.history.step_seconds += seconds_since(run.since);
  run.training = false;
  return !stopped;
}

/// False when it was stopped.
bool Trainer::evaluate_epoch(const TrainHooks& hooks) {
  struct Stopped {};
  EpochRecord& record = run_->record;
  const double begin = seconds_now();
  try {
    const auto stop = [&](const Batch&, const real*) {
      if (hooks.stop && !run_->history.interrupted && hooks.stop()) throw Stopped();
    };
    extensions_.call(&TrainerExtension::before_evaluation, freezer_->set());
    run_->history.last_evaluation =
        evaluate(model_, programs_, *validation_, stop, &features_, freezer_->set(), &train_);
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
  const bool is_best = record.evaluated && (history.best_epoch == 0 || merit(record) >= best());
  if (is_best) {
    history.best_epoch = record.epoch;
    history.best_score = record.validation_score;
  }
  extensions_.call(&TrainerExtension::end_epoch, history, is_best);
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
  run_ = std::make_unique<Run>();
  run_->record.epoch = 1;
  freezer_ = std::make_unique<Freezer>(model_, optimizer_, freezer_options());
  list_extensions();
  extensions_.call(&TrainerExtension::begin_run, RunStart{policy_start(), &config_.program, &train_});
}

/// Rates are as before a run when it is over, however it ends.
void Trainer::end() {
  extensions_.clear();
  freezer_.reset();
  run_.reset();
}

bool Trainer::over() const {
  const History& history = run_->history;
  return run_->record.epoch > config_.epochs || history.stopped_early || history.interrupted;
}

History Trainer::run(const TrainHooks& hooks) {
  const FlushSubnormals flush;
  struct End {
    Trainer& trainer;
    ~End() { trainer.end(); }
  } end{*this};
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
  extensions_.call(&TrainerExtension::end_run, history);
  return std::move(history);
}

}  // namespace firn
