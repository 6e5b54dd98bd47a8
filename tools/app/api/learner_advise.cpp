// What training a learner will cost, and what to freeze of it.
#include <utility>

#include "engine/base/error.h"
#include "engine/base/parallel.h"
#include "tools/app/advise/advise.h"
#include "tools/app/api/learner_parts.h"
#include "tools/app/cost/step_forecast.h"

namespace firn {

namespace {

std::string known_text(cli::CutAdvice::Known known) {
  return known == cli::CutAdvice::Known::trained   ? "trained"
         : known == cli::CutAdvice::Known::between ? "between"
                                                   : "unknown";
}

/// Gives the learner back what a look at data changed.
class TakenBack {
 public:
  TakenBack(cli::Session& session, std::vector<std::string>& notes)
      : session_(session), notes_(notes), recipe_(session.recipe), task_(session.task), said_(notes) {}
  ~TakenBack() {
    session_.recipe = std::move(recipe_);
    session_.task = std::move(task_);
    session_.data = session_.labelled = {};
    session_.notes.clear();
    notes_ = std::move(said_);
  }
  TakenBack(const TakenBack&) = delete;
  TakenBack& operator=(const TakenBack&) = delete;

 private:
  cli::Session& session_;
  std::vector<std::string>& notes_;
  cli::Recipe recipe_;
  TaskPtr task_;
  std::vector<std::string> said_;
};

}  // namespace

StepOutlook Learner::forecast(Index batch, const FitOptions& options, const Each& each) const {
  check_options(options);
  cli::TrainingChoice training = learning_choice(options).training;
  cli::resolve_training(training, model());
  ProgramCache programs(model(), {.task = parts_->session.task});
  Program& program = parts_->step(programs, batch);
  const cli::RandomBatch random(model(), batch, model().input().sample, parts_->session.task.get());
  random.feed(program, model());
  cli::Machine machine(false);
  const cli::StepForecast step = cli::forecast_step(
      model(), program, [&] { return cli::make_optimizer(training); }, thread_count(), machine,
      [&](Index) {
        if (each) each();
      });
  machine.save();
  StepOutlook outlook;
  outlook.seconds = step.seconds();
  outlook.optimizer = step.optimizer_seconds;
  for (std::size_t b = 0; b < step.program.blocks.size() && b < model().blocks().size(); ++b) {
    const PerPass<double>& of = step.program.blocks[b];
    outlook.blocks.push_back({model().blocks()[b].name, of.forward, of.input_gradient, of.weight_gradient});
  }
  outlook.arena = step.bytes.arena;
  outlook.once = step.bytes.once;
  outlook.parameters = step.bytes.parameters;
  outlook.state = step.bytes.state;
  outlook.feeds = step.bytes.feeds;
  return outlook;
}

LearnerAdvice Learner::advise(const DataParts& data, const AdviceWish& wish) {
  check_options(wish.fit);
  Parts& parts = *parts_;
  const TakenBack back(parts.session, parts.notes);
  parts.take(data);
  cli::AdviceOptions options;
  if (wish.time > 0) options.time = wish.time;
  if (wish.memory > 0) options.memory = wish.memory;
  options.accuracy = wish.accuracy;
  options.probe_time = wish.probe_time;
  options.each = wish.each;
  options.trial.training = learning_choice(wish.fit).training;
  options.trial.batch = wish.fit.batch;
  options.trial.seed = wish.fit.seed;
  options.trial.exact = wish.fit.exact;
  cli::Machine machine(false);
  const cli::Advice advice = cli::advise(parts.session, options, machine, [](const std::string&) {});
  machine.save();
  LearnerAdvice told{.cuts = {}, .chosen = advice.chosen, .reason = advice.reason};
  for (const cli::CutAdvice& cut : advice.cuts) {
    told.cuts.push_back({.frozen = cut.frozen,
                         .step = cut.cost.step,
                         .seconds = cut.seconds,
                         .bytes = cut.cost.bytes,
                         .accuracy = cut.known == cli::CutAdvice::Known::unknown ? -1 : cut.accuracy,
                         .low = cut.interval.low,
                         .high = cut.interval.high,
                         .known = known_text(cut.known),
                         .fits = cut.fits});
  }
  return told;
}

}  // namespace firn
