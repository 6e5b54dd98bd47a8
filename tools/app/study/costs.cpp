#include "tools/app/study/costs.h"

#include <fmt/core.h>

#include <algorithm>

#include "data/subset.h"
#include "engine/program/cost.h"
#include "optim/optimizer.h"
#include "optim/trainer/evaluate.h"
#include "optim/trainer/feed.h"
#include "tools/app/cost/timing.h"
#include "tools/app/run/freezing.h"

namespace firn::cli {

namespace {

constexpr std::size_t kMostRuns = 41, kLeastRuns = 7, kLeastOfLong = 2;
constexpr double kEnough = 0.3, kLong = 2;  // seconds

/// The seconds of each of a program's steps: the lower quartile over many runs, so that what else the machine
/// did meanwhile does not count.
std::vector<double> usual_step_seconds(Program& program) {
  std::vector<std::vector<double>> runs(program.plan().steps.size());
  double spent = 0;
  std::size_t made = 0;
  const auto least = [&] { return spent < kLong ? kLeastRuns : kLeastOfLong; };
  while (made < kMostRuns && (made < least() || spent < kEnough)) {
    program.set_timing(true);
    program.run();
    ++made;
    for (std::size_t i = 0; i < runs.size(); ++i) {
      runs[i].push_back(program.step_times()[i]);
      spent += program.step_times()[i];
    }
  }
  program.set_timing(false);
  std::vector<double> seconds;
  for (std::vector<double>& times : runs) {
    const auto quarter = times.begin() + static_cast<std::ptrdiff_t>(times.size() / 4);
    std::nth_element(times.begin(), quarter, times.end());
    seconds.push_back(*quarter);
  }
  return seconds;
}

/// That the program gives gradients of.
double numbers(const Program& program) {
  Index total = 0;
  for (const GradientView& gradient : program.gradients()) total += gradient.count;
  return static_cast<double>(total);
}

void feed(Program& program, const Model& model, const Batch& batch) {
  feed_batch(program, model, batch);
  program.feed("targets", batch.targets);
}

}  // namespace

std::string program_name(const Arm& arm) {
  return fmt::format("{}|{}|{}|{}|{}|{}|{}|{}|{}|{}", arm.model, arm.target, arm.part, arm.freeze, arm.bn,
                     arm.dropout, arm.budget.batch, arm.budget.exact, arm.budget.precision,
                     arm.budget.frozen_precision);
}

ProgramSettings program_settings(const Arm& arm, std::uint64_t seed, TaskPtr task) {
  ProgramSettings settings;
  settings.task = std::move(task);
  settings.batch_statistics = arm.bn == "batch";
  settings.dropout_in_frozen = arm.dropout == "on";
  settings.exact = arm.budget.exact;
  settings.types.all = frozen_precision(arm.budget.precision, arm.budget.exact, "--precision");
  settings.types.frozen = frozen_precision(arm.budget.frozen_precision, arm.budget.exact);
  settings.seed = seed;
  return settings;
}

FullStep::FullStep(const Materials& materials, const Arm& arm) {
  const Prepared& target = materials.target(arm);
  // A few labels may be fewer than a batch: then they are repeated, as in training.
  std::vector<Index> samples(static_cast<std::size_t>(arm.budget.batch));
  for (std::size_t i = 0; i < samples.size(); ++i)
    samples[i] = static_cast<Index>(i) % target.parts.train->size();
  const DatasetPtr batch = subset(target.parts.train, std::move(samples));
  loader_.reset(new Loader(make_loader(batch, target, arm.budget.batch, false, 0)));
  loader_->start(0);
  first_ = loader_->next();
  batch_ = first_->count;
  sample_ = first_->x.shape().tail(1);
  model_ = materials.make(arm, 0);
  programs_ = std::make_unique<ProgramCache>(*model_, program_settings(arm.full_tuning(), 0, target.task));
  Program& program = programs_->training(batch_, sample_);
  feed(program, *model_, *first_);
  seconds_ = usual_step_seconds(program);
  program_ = &program;
  const auto optimizer = make_adam({.rate = 0});
  update_seconds_ = 1e-3 * median_ms(0.02, [&] { optimizer->step(program.gradients()); });
  batch_seconds_ = 1e-3 * median_ms(0.01, [&] {
                     loader_->start(0);
                     first_ = loader_->next();
                   });
}

double FullStep::predict(const Program& other) const {
  return predict_kept(other) + batch_seconds_;
}

double FullStep::predict_kept(const Program& head) const {
  const double update = update_seconds_ * numbers(head) / std::max(1.0, numbers(*program_));
  return predicted_seconds(*program_, seconds_, head).sum() + update;
}

double FullStep::macs() const {
  const ProgramCost cost = firn::cost_of(*program_);
  return static_cast<double>(cost.total.forward.macs + cost.total.input_gradient.macs +
                             cost.total.weight_gradient.macs);
}

double FullStep::forward_seconds() const {
  return seconds_by_pass(*program_, seconds_).forward;
}

ArmCost FullStep::cost_of_arm(const Materials& materials, const Arm& arm) const {
  const ModelPtr model = materials.make(arm, 0);
  model->set_freeze(arm.freeze);
  const ProgramSettings settings = program_settings(arm, 0, materials.target(arm).task);
  ProgramCache programs(*model, settings);
  Program& program = programs.training(batch_, sample_);
  feed(program, *model, *first_);
  ArmCost cost;
  program.run();
  const PerPass<double> measured = seconds_by_pass(program, usual_step_seconds(program));
  const PerPass<double> predicted = predicted_seconds(*program_, seconds_, program);
  cost.step_ms = measured.sum() * 1e3;
  cost.forward_ms = measured.forward * 1e3;
  cost.backward_ms = (measured.input_gradient + measured.weight_gradient) * 1e3;
  cost.backward_predicted_ms = (predicted.input_gradient + predicted.weight_gradient) * 1e3;
  cost.step_predicted_ms = predicted.sum() * 1e3;
  const ProgramCost counted = firn::cost_of(program);
  cost.macs_forward = static_cast<double>(counted.total.forward.macs);
  cost.macs_input = static_cast<double>(counted.total.input_gradient.macs);
  cost.macs_weight = static_cast<double>(counted.total.weight_gradient.macs);
  cost.kept_bytes = counted.kept_bytes;
  cost.arena_bytes = program.arena_bytes(1);
  for (const GradientView& gradient : program.gradients())
    cost.state_bytes += 2 * gradient.count * Index{sizeof(real)};  // Adam's two moments
  FeatureCache features(*model, programs, settings, {.mode = CacheMode::on}, *loader_, loader_.get(), 2);
  features.begin_epoch(0, model->freeze_set());
  if (features.active()) {
    Program& head = features.training(*first_);
    head.feed("targets", first_->targets);
    head.run();
    cost.step_kept_ms = 1e3 * seconds_by_pass(head, usual_step_seconds(head)).sum();
  }
  cost.parameters = parameter_count(model->parameters());
  cost.trainable = parameter_count(model->parameters(), true);
  return cost;
}

std::string Costs::name_of(const Arm& arm) {
  return fmt::format("{}|{}|{}|{}|{}|{}", arm.model, arm.target, arm.part, arm.budget.batch, arm.budget.exact,
                     arm.budget.precision);
}

double Costs::timing_seconds(double step) {
  if (!(step > 0)) return 0;
  std::size_t runs = 0;
  for (double spent = 0; runs < kMostRuns; ++runs, spent += step) {
    if (runs >= (spent < kLong ? kLeastRuns : kLeastOfLong) && spent >= kEnough) break;
  }
  return static_cast<double>(runs) * step;
}

const FullStep& Costs::measure(const Arm& arm) {
  std::unique_ptr<FullStep>& step = steps_[name_of(arm)];
  if (!step) step = std::make_unique<FullStep>(materials_, arm);
  return *step;
}

}  // namespace firn::cli
