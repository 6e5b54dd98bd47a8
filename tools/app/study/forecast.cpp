#include "tools/app/study/forecast.h"

#include <fmt/core.h>

#include <algorithm>

#include "engine/base/parallel.h"
#include "engine/base/rng.h"
#include "engine/base/seconds.h"
#include "engine/program/cost.h"
#include "optim/optimizer.h"
#include "tools/app/cost/step_forecast.h"
#include "tools/app/run/saving_cost.h"
#include "tools/app/study/cell.h"
#include "tools/app/study/pictured.h"

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
    const double begin = seconds_now();
    const ModelPtr again = materials.make(arm, 1);
    ProgramCache compiled(*again, program_settings(arm.full_tuning(), 0, materials.target(arm).task));
    compiled.training(batch, sample);
    compiled.inference(batch, sample);
    around = seconds_since(begin);
    programs = std::make_unique<ProgramCache>(
        *model, program_settings(arm.full_tuning(), 0, materials.target(arm).task));
    program = &programs->training(batch, sample);
    const RandomBatch random(*model, batch, sample, materials.target(arm).task.get());
    random.feed(*program, *model);
    steps = forecast(*program, 1, machine.overheads(1), machine.prices()).steps;
    forward = seconds_by_pass(*program, steps).forward / static_cast<double>(batch);
  }
  /// Of a sample, of another program on the same batch.
  double pass(const Program& other) const {
    return predicted_seconds(*program, steps, other).sum() / static_cast<double>(batch);
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

PlanForecast::CellPrice PlanForecast::cell_price(const Arm& arm) {
  const Priced& full = priced(arm);
  const Prepared& target = materials_.target(arm);
  const ModelPtr model = materials_.make_blank(arm);
  // A policy is priced as if it froze nothing, a late freeze as if it were there from the start.
  model->set_freeze(arm.freeze);
  const ProgramSettings settings = program_settings(arm, 0, target.task);
  ProgramCache programs(*model, settings);
  const double step = full.step(programs.training(full.batch, full.sample), machine_);
  if (arm.is_static()) steps_[program_name(arm)] = step;  // measured alone before all else
  const auto steps = static_cast<double>(arm.budget.steps);
  const Index samples = labelled_samples(materials_, arm);
  const double once = static_cast<double>(samples) / static_cast<double>(full.batch);
  const auto count = [](const DatasetPtr& data) { return data ? static_cast<double>(data->size()) : 0.0; };
  const double curve = kCurvePoints * std::min<double>(kCurveSamples, count(target.parts.validation));
  const double judged = count(target.parts.test) + count(target.parts.validation);
  double training = step * steps, curve_sample = full.forward, judged_sample = full.forward;
  CellPrice price;
  Loader train = make_loader(at_most(target.parts.train, samples), target, full.batch, true, 0);
  const DatasetPtr& drawn_on = target.parts.validation ? target.parts.validation : target.parts.test;
  Loader test = make_loader(at_most(drawn_on, kCurveSamples), target, full.batch, false, 0);
  FeaturePool pool(0);
  const CacheConfig config{.mode = CacheMode::on, .pool = arm.is_static() ? &pool : nullptr};
  const FeatureCache features(*model, programs, settings, config, train, &test, 2);
  const auto planned = features.planned(model->freeze_set());
  if (planned && (arm.is_static() || once < steps)) {
    const double kept = full.step(programs.head_training(full.batch, full.sample, planned->cut), machine_);
    const double below =
        std::min(full.forward, full.pass(programs.features(full.batch, full.sample, planned->cut)));
    if (arm.is_static()) {
      training = kept * steps;
      price.feature = below;
      price.child = planned->cut.child;
      price.judges = planned->validates;
      if (price.judges) curve_sample = judged_sample = full.forward - below;
    } else {
      training = step * once + kept * (steps - once);
      curve_sample = full.forward / kCurvePoints + (full.forward - below);
    }
  }
  const auto rates = static_cast<double>(arm.budget.rates.size());
  // As `train_cell` divides them: of one label none is held out, of two or three in two ways.
  const bool one = arm.by_class && arm.labels == 1,
             few = arm.by_class && (arm.labels == 2 || arm.labels == 3);
  const double runs = rates > 1 && !one ? (few ? 2 : 1) * rates + 1 : 1;
  price.pictures = step * steps + full.around + kPictureForwards * full.forward;
  price.seconds =
      runs * (training + full.around) + curve * std::min(full.forward, curve_sample) + judged * judged_sample;
  return price;
}

/// The place of the samples of `data`, at most so many of them, which `seed` draws; `name` stands for them.
std::size_t PlanForecast::set_of(const std::string& name, const Dataset& data, Index most, std::uint64_t seed,
                                 WorkForecast& work) {
  const auto [at, fresh] = sets_.try_emplace(name, work.sets.size());
  if (!fresh) return at->second;
  std::vector<Index> numbers;
  for (Index i = 0; i < data.size(); ++i) {
    const SampleOrigin origin = data.origin(i);
    const auto [first, unseen] = first_.try_emplace(origin.set, samples_);
    if (unseen) samples_ += origin.set->size();
    numbers.push_back(first->second + origin.index);
  }
  if (most < data.size()) {
    Random random(seed, "pass", 0);  // as a loader does
    shuffle(numbers.data(), data.size(), random);
    numbers.resize(static_cast<std::size_t>(most));
  }
  work.sets.push_back(std::move(numbers));
  return at->second;
}

std::optional<SharedNeed> PlanForecast::need_of(const Arm& arm, const Cell& cell, const CellPrice& price,
                                                WorkForecast& work) {
  if (!(price.feature > 0)) return std::nullopt;
  const std::string target = fmt::format("{}|{}|{}", arm.model, arm.target, arm.part);
  const std::string weights = arm.source.starts_with(kWeightsSource) ? arm.source
                              : !cell.origin.empty()                 ? cell.origin
                                                                     : fmt::format("new {}", cell.seed);
  const std::string name = fmt::format("{}|{}|{}|{}|{}|{}", target, weights, price.child, arm.budget.exact,
                                       arm.budget.precision, arm.budget.frozen_precision);
  SharedNeed need;
  need.features = features_.try_emplace(name, features_.size()).first->second;
  need.seconds = price.feature;
  const Index reached = arm.budget.steps * arm.budget.batch;
  const bool all = arm.labels == 0 && labelled_samples(materials_, arm) <= reached;
  const std::string labelled =
      all ? target : fmt::format("{}|{}|{}|{}", target, arm.labels, cell.seed, reached);
  need.sets.push_back(
      set_of(labelled, *labelled_of(materials_, arm, cell.seed), reached, draws_seed(arm, cell.seed), work));
  if (!price.judges) return need;
  const DataParts& parts = materials_.target(arm).parts;
  need.sets.push_back(set_of(target + "|test", *parts.test, parts.test->size(), 0, work));
  if (parts.validation)
    need.sets.push_back(set_of(target + "|validation", *parts.validation, parts.validation->size(), 0, work));
  return need;
}

double PlanForecast::origin_seconds(const Arm& arm) {
  const Priced& full = priced(arm.full_tuning());
  const Prepared& source = materials_.source(arm);
  const auto steps = static_cast<double>(source.parts.train->size() * arm.budget.source_epochs) /
                     static_cast<double>(arm.budget.batch);
  return steps * full.step(*full.program, machine_) + full.around +
         static_cast<double>(source.parts.test->size()) * full.forward;
}

/// The timings that a cell of the arm wants: of the step that trains everything, and of its own.
std::vector<std::size_t> PlanForecast::timings_of(const Arm& arm, WorkForecast& work) {
  const Priced& one = priced(arm);
  std::vector<std::size_t> wanted;
  const auto want = [&](const std::string& name, double seconds) {
    const auto [at, fresh] = timings_.try_emplace(name, work.timings.size());
    if (fresh) work.timings.push_back(one.around + seconds);
    wanted.push_back(at->second);
  };
  want(Costs::name_of(arm), Costs::timing_seconds(one.step(*one.program, machine_)));
  if (arm.is_static())
    want("arm " + program_name(arm), 2 * Costs::timing_seconds(steps_.at(program_name(arm))));
  return wanted;
}

WorkForecast PlanForecast::of(const Plan& plan) {
  const int threads = thread_count();
  set_thread_count(1);
  WorkForecast work;
  features_.clear();
  sets_.clear();
  timings_.clear();
  double dearest = 0;
  bool policies = false;
  for (const Cell& cell : plan.cells) {
    const Arm& arm = plan.arms[cell.arm];
    const auto [at, fresh] = cells_.try_emplace(plan.arm_keys[cell.arm]);
    if (fresh) at->second = cell_price(arm);
    work.cells.push_back(at->second.seconds);
    dearest = std::max(dearest, at->second.pictures);
    policies = policies || !arm.policy.empty();
    work.needs.push_back(need_of(arm, cell, at->second, work));
    work.timed.push_back(timings_of(arm, work));
  }
  for (const Origin& origin : plan.origins) work.origins.push_back(origin_seconds(plan.arms[origin.arm]));
  set_thread_count(threads);
  // Tables and page: processor time as it was measured (AMD Zen 5), and files.
  constexpr double kEndOfCell = 1.5e-4, kFilesWritten = 24;
  const FilePrices files = file_prices(".", machine_);
  work.after = kFilesWritten * files.file;
  work.after_cell = kEndOfCell;
  const int looked = policies ? 3 : 2;
  work.pictures = dearest * static_cast<double>((looked + threads - 1) / threads);
  return work;
}

WorkForecast left_of(const WorkForecast& work, const Todo& todo) {
  WorkForecast left = work.of(todo.cells, todo.origins);
  if (!todo.cells.empty()) left.pictures = work.pictures;
  return left;
}

}  // namespace firn::cli
