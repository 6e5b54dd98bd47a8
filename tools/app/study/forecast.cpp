#include "tools/app/study/forecast.h"

#include <algorithm>
#include <chrono>

#include "engine/base/parallel.h"
#include "engine/base/seconds.h"
#include "engine/program/cost.h"
#include "optim/optimizer.h"
#include "tools/app/cost/step_forecast.h"
#include "tools/app/study/cell.h"

namespace firn::cli {

namespace {

std::vector<Index> gradient_counts(const Program& program) {
  std::vector<Index> counts;
  for (const GradientView& gradient : program.gradients()) counts.push_back(gradient.count);
  return counts;
}

}  // namespace

/// The step of one model on one target that trains everything, priced.
struct PlanForecast::Priced {
  Priced(const Materials& materials, const Arm& arm, Machine& machine)
      : model(materials.make(arm, 0)), batch(arm.budget.batch), sample(materials.target(arm).input.sample) {
    const auto begin = std::chrono::steady_clock::now();
    const ModelPtr again = materials.make(arm, 1);
    ProgramCache compiled(*again, program_settings(arm.full_tuning(), 0));
    compiled.training(batch, sample);
    compiled.inference(batch, sample);
    around = seconds_since(begin);
    programs = std::make_unique<ProgramCache>(*model, program_settings(arm.full_tuning(), 0));
    program = &programs->training(batch, sample);
    const RandomBatch random(*model, batch, sample);
    random.feed(*program, *model);
    steps = forecast(*program, 1, machine.overheads(1), machine.prices()).steps;
    forward = seconds_by_pass(*program, steps).forward / static_cast<double>(batch);
  }
  double step(const Program& other, Machine& machine) const {
    const OptimizerMaker make = [] { return make_adam({.rate = 1e-3}); };
    return predicted_seconds(*program, steps, other).sum() +
           machine.optimizer_seconds(make, gradient_counts(other), 1);
  }

  ModelPtr model;
  Index batch;
  Shape sample;
  double around = 0;  ///< to make a model and its programs
  std::unique_ptr<ProgramCache> programs;
  Program* program = nullptr;
  std::vector<double> steps;
  double forward = 0;  ///< of a sample
};

PlanForecast::PlanForecast(const Materials& materials, Machine& machine)
    : materials_(materials), machine_(machine) {}

PlanForecast::~PlanForecast() = default;

const PlanForecast::Priced& PlanForecast::priced(const Arm& arm) {
  std::unique_ptr<Priced>& one = priced_[Costs::name_of(arm)];
  if (!one) one = std::make_unique<Priced>(materials_, arm, machine_);
  return *one;
}

double PlanForecast::cell_seconds(const Arm& arm) {
  const Priced& full = priced(arm);
  const Prepared& target = materials_.target(arm);
  const ModelPtr model = materials_.make_blank(arm);
  // A policy is priced as if it froze nothing, a late freeze as if it were there from the start.
  model->set_freeze(arm.freeze);
  const ProgramSettings settings = program_settings(arm, 0);
  ProgramCache programs(*model, settings);
  const double step = full.step(programs.training(full.batch, full.sample), machine_);
  if (arm.is_static()) steps_[arm.model + "|" + arm.freeze] = step;  // measured alone before all else
  const auto steps = static_cast<double>(arm.budget.steps);
  const Index samples = labelled_samples(materials_, arm);
  const double once = static_cast<double>(samples) / static_cast<double>(full.batch);
  double training = step * steps, curve_share = 1;
  Loader train = make_loader(at_most(target.parts.train, samples), target, full.batch, true, 0);
  const DatasetPtr& drawn_on = target.parts.validation ? target.parts.validation : target.parts.test;
  Loader test = make_loader(at_most(drawn_on, kCurveSamples), target, full.batch, false, 0);
  const FeatureCache features(*model, programs, settings, {.mode = CacheMode::on}, train, &test, 2);
  if (const auto planned = features.planned(model->freeze_set()); planned && once < steps) {
    const Program& head = programs.head_training(full.batch, full.sample, planned->seam);
    const double kept = full.step(head, machine_);
    training = step * once + kept * (steps - once);
    curve_share = 1.0 / kCurvePoints + kept / step;
  }
  const auto count = [](const DatasetPtr& data) { return data ? static_cast<double>(data->size()) : 0.0; };
  const double curve = kCurvePoints * std::min<double>(kCurveSamples, count(target.parts.validation)) *
                       std::min(1.0, curve_share) * full.forward;
  const double judged = (count(target.parts.test) + count(target.parts.validation)) * full.forward;
  const auto rates = static_cast<double>(arm.budget.rates.size());
  const double runs = rates > 1 ? rates + 1 : 1;
  return runs * (training + full.around) + curve + judged;
}

double PlanForecast::origin_seconds(const Arm& arm) {
  const Priced& full = priced(arm.full_tuning());
  const Prepared& source = materials_.source(arm);
  const auto steps = static_cast<double>(source.parts.train->size() * arm.budget.source_epochs) /
                     static_cast<double>(arm.budget.batch);
  return steps * full.step(*full.program, machine_) + full.around +
         static_cast<double>(source.parts.test->size()) * full.forward;
}

WorkForecast PlanForecast::of(const Plan& plan) {
  const int threads = thread_count();
  set_thread_count(1);
  WorkForecast work;
  for (const Cell& cell : plan.cells) {
    const auto [at, fresh] = cells_.try_emplace(plan.arm_keys[cell.arm]);
    if (fresh) at->second = cell_seconds(plan.arms[cell.arm]);
    work.cells.push_back(at->second);
  }
  for (const auto& [arm, seconds] : steps_) work.before += 2 * std::max(0.3, 3 * seconds);
  for (const Origin& origin : plan.origins) work.origins.push_back(origin_seconds(plan.arms[origin.arm]));
  set_thread_count(threads);
  return work;
}

WorkForecast left_of(const WorkForecast& work, const Todo& todo) {
  WorkForecast left;
  left.before = work.before;
  left.after = work.after;
  for (const std::size_t cell : todo.cells) left.cells.push_back(work.cells[cell]);
  for (const std::size_t origin : todo.origins) left.origins.push_back(work.origins[origin]);
  return left;
}

}  // namespace firn::cli
