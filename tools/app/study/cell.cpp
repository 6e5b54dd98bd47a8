#include "tools/app/study/cell.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "data/subset.h"
#include "data/targets.h"
#include "engine/base/rng.h"
#include "engine/base/seconds.h"
#include "engine/program/cost.h"
#include "optim/policies/policies.h"
#include "optim/policies/registry.h"
#include "optim/trainer/probe.h"
#include "optim/trainer/task_of.h"
#include "optim/trainer/trainer.h"
#include "tools/app/study/judge.h"

namespace firn::cli {

namespace {

constexpr double kClip = 1;
constexpr Index kFeatureBytes = Index{1} << 28;  // of a cell; more go into a file

/// Parts to learn from and to choose a rate by: the last fifth of each class (at least one sample) is kept
/// from training. Where a class has two or three samples there are two such divisions, the last and the first
/// of each class being kept in turn, since one sample says little. None where a class has a single sample.
std::vector<DataParts> hold_out(const DatasetPtr& data) {
  constexpr Index kFew = 3;
  const bool classes = has_classes(data->info());
  std::vector<Index> all(classes ? data->info().classes.size() : 1);
  const auto group = [&](Index i) { return classes ? static_cast<std::size_t>(data->label(i)) : 0; };
  for (Index i = 0; i < data->size(); ++i) ++all[group(i)];
  const Index least = *std::min_element(all.begin(), all.end());
  if (least < 2) return {};
  std::vector<DataParts> divisions;
  for (const bool last : {true, false}) {
    if (!last && least > kFew) break;
    std::vector<Index> seen(all.size()), train, judge;
    for (Index i = 0; i < data->size(); ++i) {
      const std::size_t g = group(i);
      const Index place = seen[g]++, held = std::max<Index>(1, all[g] / 5);
      const bool kept = last ? place >= all[g] - held : place < held;
      (kept ? judge : train).push_back(i);
    }
    divisions.push_back({.train = subset(data, std::move(train)), .test = subset(data, std::move(judge))});
  }
  return divisions;
}

/// The one in the middle; of an even number the lower one.
double middle_of(std::vector<double> rates) {
  std::sort(rates.begin(), rates.end());
  return rates[(rates.size() - 1) / 2];
}

/// MACs of one run of the probe whose activations a policy looks at (`Probe`).
double probe_macs_of(const Model& model, const Arm& arm, Index rows, const Shape& sample) {
  Graph::Options options;
  options.exact = arm.budget.exact;
  const auto program = Program::inference(model.inference_graph(rows, sample, options, true));
  return static_cast<double>(cost_of(*program).total.forward.macs);
}

/// Where learning curves are drawn; null: nowhere.
DatasetPtr curve_part(const DatasetPtr& validation) {
  return validation ? at_most(validation, kCurveSamples) : nullptr;
}

struct Epochs {
  Index epochs = 1, steps = 1;  ///< steps of each
};

/// As many epochs as the samples make of the budget, at most ten: fewer samples are repeated within one.
/// Where they make fewer than five, ten parts of the budget are its epochs, which go on through the samples:
/// policies that count in epochs need some.
Epochs epochs_of(Index samples, const Budget& budget) {
  constexpr Index kMost = 10, kFewest = 5;
  const Index passes = budget.steps * budget.batch / std::max<Index>(1, samples);
  Epochs e;
  e.epochs = std::min(passes < kFewest ? kMost : std::min(kMost, passes), budget.steps);
  e.steps = std::max<Index>(1, budget.steps / e.epochs);
  return e;
}

/// One training run of an arm at one rate.
class Run {
 public:
  Run(const Materials& materials, const FullStep& full, const Arm& arm, std::uint64_t seed,
      const Model* origin, FeaturePool* pool, double macs)
      : materials_(materials),
        full_(full),
        arm_(arm),
        seed_(seed),
        origin_(origin),
        pool_(pool),
        macs_(macs) {}

  /// Trains on `few`. The curve is drawn on `probe`; null: there is none. False when stopped.
  bool train(const DatasetPtr& few, double rate, const DatasetPtr& probe, const Stop& stop,
             CellWatch* watch = nullptr);
  /// On `data`.
  Judgement judge(const DatasetPtr& data, Index mistakes);
  CellResult result;

 private:
  void count_step(Trainer& trainer, bool first_pass);
  PolicyPtr policy(Index steps) const;

  const Materials& materials_;
  const FullStep& full_;
  const Arm& arm_;
  std::uint64_t seed_;
  const Model* origin_;
  FeaturePool* pool_;  // null: none
  double macs_;        // of the training that this one is a control of
  ModelPtr model_;
  std::optional<FreezeSet> counted_;  // of the step that was counted last
  bool kept_ = false;                 // that one went from kept features
  double step_macs_[3] = {0, 0, 0};
  double step_predicted_ = 0;
  double probe_macs_ = 0;  // of one look at activations; 0: the policy has none
};

/// Adds the costs of a step with what trains now. Of a step from kept features the predicted time alone is
/// that of the part which runs, but in the first pass over the samples: somebody computes them.
void Run::count_step(Trainer& trainer, bool first_pass) {
  ProgramCache& programs = trainer.programs();
  const FeatureCache& features = trainer.features();
  const bool kept =
      !first_pass && features.active() && features.content(FeatureCache::Part::train) == Content::labels;
  // A policy has a set of its own, which the model does not know.
  const FreezeSet set = trainer.freeze_set();
  if (!counted_ || kept != kept_ || !(set == *counted_)) {
    kept_ = kept;
    counted_ = set;
    const Program& program = programs.training(full_.batch(), full_.sample(), set);
    const ProgramCost cost = cost_of(program);
    step_macs_[0] = static_cast<double>(cost.total.forward.macs);
    step_macs_[1] = static_cast<double>(cost.total.input_gradient.macs);
    step_macs_[2] = static_cast<double>(cost.total.weight_gradient.macs);
    step_predicted_ =
        kept ? full_.predict_kept(programs.head_training(full_.batch(), full_.sample(), features.cut(), set))
             : full_.predict(program);
    result.bytes_predicted = std::max(result.bytes_predicted, program.arena_bytes(1));
  }
  result.macs_forward += step_macs_[0];
  result.macs_input += step_macs_[1];
  result.macs_weight += step_macs_[2];
  result.predicted_seconds += step_predicted_;
}

/// What decides in a training of so many steps; null: nothing.
PolicyPtr Run::policy(Index steps) const {
  switch (arm_.control()) {
    case Control::steps:
      return nullptr;
    case Control::rates:
      return make_rates_only(parse_policy(arm_.policy_text()));
    case Control::random: {
      RandomPrefixConfig config;
      const ModelPtr model = materials_.make_blank(arm_);
      for (Index k = 0; k < arm_.blocks; ++k) {
        model->set_freeze(fmt::format("{}", k));
        ProgramCache programs(*model, program_settings(arm_, 0, materials_.target(arm_).task));
        const ProgramCost cost = cost_of(programs.training(full_.batch(), full_.sample()));
        config.costs.push_back(static_cast<double>(cost.total.forward.macs + cost.total.input_gradient.macs +
                                                   cost.total.weight_gradient.macs) /
                               full_.macs());
      }
      config.share = macs_ / (full_.macs() * static_cast<double>(steps));
      return make_random_prefix(config);
    }
    case Control::none:
      break;
  }
  return arm_.policy.empty() ? nullptr : PolicyPtr(parse_policy(arm_.policy));
}

bool Run::train(const DatasetPtr& few, double rate, const DatasetPtr& probe, const Stop& stop,
                CellWatch* watch) {
  const Prepared& target = materials_.target(arm_);
  const std::uint64_t draws = draws_seed(arm_, seed_);
  model_ = materials_.make(arm_, seed_);
  if (origin_ != nullptr) copy_body(*origin_, *model_);
  if (arm_.freeze_at <= 0) model_->set_freeze(arm_.freeze);
  if (watch != nullptr) watch->begin(model_);
  Budget budget = arm_.budget;
  if (arm_.control() == Control::steps)
    budget.steps = std::clamp<Index>(std::llround(macs_ / full_.macs()), 1, 4 * budget.steps);
  // Without a policy epochs are nobody's, and whole ones would make fewer steps.
  const Epochs epochs =
      arm_.control() == Control::steps ? Epochs{1, budget.steps} : epochs_of(few->size(), budget);
  const Index all_steps = epochs.epochs * epochs.steps;
  Loader train = make_loader(few, target, arm_.budget.batch, true, draws, epochs.steps * arm_.budget.batch);
  std::unique_ptr<Loader> curve;
  if (probe) {
    const Index batch = std::max<Index>(arm_.budget.batch, 128);
    curve.reset(new Loader(make_loader(probe, target, batch, false, 0)));
  }
  const auto optimizer = make_adam({.rate = rate});
  TrainConfig config;
  config.epochs = epochs.epochs;
  config.evaluate_every = epochs.epochs;
  config.schedule = cosine_schedule();
  config.clip_norm = kClip;
  config.program = program_settings(arm_, draws, task_of(few->info()));
  config.cache = {.mode = CacheMode::automatic, .memory = kFeatureBytes, .pool = pool_};
  const PolicyPtr policy = config.policy = this->policy(all_steps);
  const Index probe_rows = std::min(Probe::kRows, full_.batch());
  Trainer trainer = curve ? Trainer(*model_, *optimizer, train, *curve, std::move(config))
                          : Trainer(*model_, *optimizer, train, std::move(config));

  if (policy && policy->wants_activations())
    probe_macs_ = probe_macs_of(*model_, arm_, probe_rows, full_.sample());
  const auto freeze_step = static_cast<Index>(std::lround(arm_.freeze_at * static_cast<double>(all_steps)));
  double judged = 0, curve_loss = 0, last_loss = 0, end = 0;
  Index since = 0, step = 0, last = 0;
  bool stopped = false;
  TrainHooks hooks;
  hooks.after_step = [&](Index, Index, double loss) {
    ++step;
    const double begin = thread_seconds();
    count_step(trainer, (step - 1) * arm_.budget.batch < few->size());
    if (probe_macs_ > 0) {
      const Needs needs = policy->needs({.step = step - 1});
      if (needs.distances || needs.reference) {
        result.macs_forward += probe_macs_;
        result.predicted_seconds +=
            full_.forward_seconds() * static_cast<double>(probe_rows) / static_cast<double>(full_.batch());
      }
    }
    if (watch != nullptr) watch->after_step(step, all_steps, trainer.freeze_set());
    curve_loss += loss;
    ++since;
    if (step > all_steps - std::max<Index>(1, all_steps / 10)) {
      last_loss += loss;
      ++last;
    }
    // The last point comes from the trainer itself.
    if (curve && step < all_steps &&
        step * kCurvePoints / all_steps != (step - 1) * kCurvePoints / all_steps) {
      const Evaluation now = evaluate(*model_, trainer.programs(), *curve, {}, &trainer.features());
      result.curve.push_back({step, curve_loss / static_cast<double>(since), now.score()});
      curve_loss = 0;
      since = 0;
    }
    if (arm_.freeze_at > 0 && step == freeze_step) {
      model_->set_freeze(arm_.freeze);
    }
    end = thread_seconds();
    judged += end - begin;
  };
  hooks.stop = [&] { return stopped = stop(); };
  const double begin = thread_seconds();
  const History history = trainer.run(hooks);
  if (stopped) return false;
  result.seconds = end - begin - judged + trainer.features().spared_seconds();
  if (curve) {
    result.curve.push_back({step, curve_loss / static_cast<double>(std::max<Index>(1, since)),
                            history.epochs.back().validation_score});
  }
  result.train_loss = last_loss / static_cast<double>(std::max<Index>(1, last));
  result.rate = rate;
  result.steps = step;
  result.train_samples = few->size();
  for (const EpochRecord& epoch : history.epochs)
    result.trained_share += epoch.trained_share / static_cast<double>(history.epochs.size());
  result.bytes_measured = static_cast<Index>(trainer.programs().workspace().bytes());
  result.state_bytes = optimizer->state_bytes();
  return true;
}

Judgement Run::judge(const DatasetPtr& data, Index mistakes) {
  return judge_model(*model_, materials_.target(arm_), data, arm_.budget, mistakes, pool_);
}

}  // namespace

CellData data_of(const Materials& materials, const Arm& arm, std::uint64_t seed) {
  const DataParts& parts = materials.target(arm).parts;
  CellData data{labelled_of(materials, arm, seed), parts.validation, parts.test};
  if (data.few->info().targets != TargetKind::numbers) return data;
  // What is not labelled says nothing of the scale either.
  const TargetScale scale = target_scale_of(*data.few);
  for (DatasetPtr* part : {&data.few, &data.validation, &data.test})
    if (*part) *part = with_target_scale(*part, scale);
  return data;
}

DatasetPtr labelled_of(const Materials& materials, const Arm& arm, std::uint64_t seed) {
  const DatasetPtr& train = materials.target(arm).parts.train;
  if (arm.labels == 0) return train;
  if (has_classes(train->info())) return subset_per_class(train, arm.labels, draws_seed(arm, seed));
  std::vector<Index> order(static_cast<std::size_t>(train->size()));
  std::iota(order.begin(), order.end(), Index{0});
  Random random(draws_seed(arm, seed), "windows");
  shuffle(order.data(), train->size(), random);
  order.resize(std::min(order.size(), static_cast<std::size_t>(arm.labels)));
  return subset(train, std::move(order));
}

Index labelled_samples(const Materials& materials, const Arm& arm) {
  const Prepared& target = materials.target(arm);
  const Index all = target.parts.train->size();
  if (arm.labels == 0) return all;
  return std::min(all, arm.labels * (has_classes(target.parts.train->info()) ? target.classes : 1));
}

std::string protocol_text(const Arm& arm) {
  const Budget& b = arm.budget;
  std::string rates;
  for (const double rate : b.rates) rates += (rates.empty() ? "" : ", ") + number_text(rate);
  const std::string tuning =
      b.rates.size() > 1
          ? fmt::format(
                "Each arm and seed, policies too, tries the same {} rates ({}) on four fifths of its own "
                "labels, keeps the one with the least loss on the last fifth (with two or three labels a "
                "class "
                "over two such divisions; with one the middle rate), and trains again on all of them.",
                b.rates.size(), rates)
          : fmt::format("Every arm has the same rate, {}, and none is tuned.", rates);
  return fmt::format(
             "Every arm makes the same {} steps of {} samples with Adam, its rate falling along half a "
             "cosine, "
             "gradients clipped at norm {}. {} A source is learned for {} epochs in the same way at the rate "
             "{}. "
             "A policy's epoch is a pass over the labelled samples, or a tenth of the steps where these are "
             "less than five passes, or more than ten. "
             "Inputs are standardised by the whole training part, without labels. New weights are drawn as "
             "He 2015 "
             "has them; every head but a language model's is new and begins from zero, in arms that may "
             "freeze "
             "it before it has trained, or scale rates by its norm, with random numbers. Arms of one seed "
             "draw the same labels and the same new weights, other ones for each target. What a policy looks "
             "at beside the steps counts among its MACs.",
             b.steps, b.batch, number_text(kClip), tuning, b.source_epochs, number_text(b.source_rate)) +
         (b.frozen_precision == "fp32" ? "" : " What is frozen is computed in " + b.frozen_precision + ".") +
         (b.precision == "fp32" ? ""
                                : " Products, activations and their gradients are " + b.precision +
                                      " in training and in judging; a source is learned in fp32.");
}

std::optional<LearnedOrigin> learn_origin(const Materials& materials, const Arm& arm, std::uint64_t seed,
                                          const Stop& stop) {
  const Prepared& source = materials.source(arm);
  LearnedOrigin origin;
  origin.model = materials.make_for_source(arm, seed);
  const Budget& budget = arm.budget;
  Loader train = make_loader(source.parts.train, source, budget.batch, true, draws_seed(arm, seed));
  Loader test = make_loader(source.parts.test, source, std::max<Index>(budget.batch, 128), false, 0);
  const auto optimizer = make_adam({.rate = budget.source_rate});
  TrainConfig config;
  config.epochs = budget.source_epochs;
  config.evaluate_every = budget.source_epochs;
  config.schedule = cosine_schedule();
  config.program.seed = draws_seed(arm, seed);
  config.program.exact = budget.exact;
  bool stopped = false;
  const double begin = thread_seconds();
  TrainHooks hooks;
  hooks.stop = [&] { return stopped = stop(); };
  const History history = Trainer(*origin.model, *optimizer, train, test, std::move(config)).run(hooks);
  if (stopped) return std::nullopt;
  origin.result.seconds = thread_seconds() - begin;
  origin.result.accuracy = history.epochs.back().validation_score;
  origin.result.loss = history.epochs.back().validation_loss;
  return origin;
}

std::optional<CellResult> train_cell(const Materials& materials, const FullStep& full, const Arm& arm,
                                     std::uint64_t seed, const Model* origin, FeaturePool* pool,
                                     bool keep_mistakes, const Stop& stop, double macs) {
  constexpr Index kMistakes = 6;
  if (!arm.is_static()) pool = nullptr;  // what others train is not what this one trains
  const auto [few, validation, test] = data_of(materials, arm, seed);
  double rate = middle_of(arm.budget.rates);
  std::vector<TriedRate> tried;
  double tuning_macs = 0, tuning_seconds = 0;
  if (arm.budget.rates.size() > 1) {
    const std::vector<DataParts> divisions = hold_out(few);
    double least = HUGE_VAL;
    for (const double candidate : arm.budget.rates) {
      TriedRate one{candidate, 0, 0};
      for (const DataParts& held : divisions) {
        Run run(materials, full, arm, seed, origin, pool, macs);
        if (!run.train(held.train, candidate, nullptr, stop)) return std::nullopt;
        tuning_macs += run.result.macs_forward + run.result.macs_input + run.result.macs_weight;
        tuning_seconds += run.result.seconds;
        const Judgement judged = run.judge(held.test, 0);
        one.loss += judged.loss / static_cast<double>(divisions.size());
        one.accuracy += judged.accuracy / static_cast<double>(divisions.size());
      }
      if (divisions.empty()) break;
      tried.push_back(one);
      if (one.loss < least) {
        least = one.loss;
        rate = candidate;
      }
    }
  }
  Run run(materials, full, arm, seed, origin, pool, macs);
  if (!run.train(few, rate, curve_part(validation), stop)) return std::nullopt;
  Judgement judged = run.judge(test, keep_mistakes ? kMistakes : 0);
  CellResult& result = run.result;
  if (validation) {
    const Judgement chosen_by = run.judge(validation, 0);
    result.validation_accuracy = chosen_by.accuracy;
    result.validation_samples = chosen_by.samples;
  }
  result.accuracy = judged.accuracy;
  result.macro_f1 = judged.macro_f1;
  result.ece = judged.ece;
  result.loss = judged.loss;
  result.test_samples = judged.samples;
  result.classes = judged.classes;
  result.confusion = std::move(judged.confusion);
  result.mistakes = std::move(judged.mistakes);
  result.tried = std::move(tried);
  result.tuning_macs = tuning_macs;
  result.tuning_seconds = tuning_seconds;
  result.items = std::move(judged.items);
  return std::move(result);
}

std::optional<std::vector<CurvePoint>> train_again(const Materials& materials, const FullStep& full,
                                                   const Arm& arm, std::uint64_t seed, const Model* origin,
                                                   double rate, CellWatch& watch, const Stop& stop,
                                                   double macs) {
  const auto [few, validation, test] = data_of(materials, arm, seed);
  Run run(materials, full, arm, seed, origin, nullptr, macs);
  if (!run.train(few, rate, curve_part(validation), stop, &watch)) return std::nullopt;
  return std::move(run.result.curve);
}

}  // namespace firn::cli
