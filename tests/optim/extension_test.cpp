// What takes part in a run: phases in their order, state in checkpoints, undoing, and lists that are refused.
#include "optim/trainer/extension.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "data/source.h"
#include "data/subset.h"
#include "engine/base/parallel.h"
#include "layers/network/network.h"
#include "optim/trainer/trainer.h"
#include "tests/errors.h"

using namespace firn;
using namespace firn::test;

namespace {

const bool one_thread = (set_thread_count(1), true);

/// Writes down when it was called; adds up the samples that it has seen, across checkpoints.
class Recorder : public TrainerExtension {
 public:
  std::vector<StepField> reads() const override { return {StepField::freeze}; }
  void begin_run(const RunStart& start) override {
    seen = 0;
    say("begin " + std::to_string(start.run.epochs));
  }
  void before_step(StepMoment& now) override {
    say(now.opens_epoch ? "first step" : "step");
    CHECK(now.freeze != nullptr);
    CHECK(now.batch == nullptr);
  }
  void before_forward(StepMoment& now) override {
    say("forward");
    seen += now.batch->count;
    CHECK(now.gradients.empty());
  }
  void after_backward(StepMoment& now) override {
    say("backward");
    CHECK(!now.gradients.empty());
    CHECK(now.loss > 0);
    if (fails) throw Error(Fault::failure, "test", "a fault of its own");
  }
  void before_update(StepMoment&) override { say("update"); }
  void after_update(StepMoment& now) override {
    say("updated");
    CHECK(now.gradient_norm > 0);
  }
  void step_failed() override { say("failed"); }
  void after_steps() override { say("steps made"); }
  void before_evaluation(const FreezeSet&) override { say("evaluation"); }
  void end_epoch(const History& history, bool best) override {
    CHECK(history.epochs.back().evaluated);
    CHECK(best == (history.best_epoch == static_cast<Index>(history.epochs.size())));
    say("end of epoch");
  }
  void end_run(History& history) override { say("end " + std::to_string(history.epochs.size())); }
  void save(const StateWriter& to) const override { to.whole("seen", seen); }
  void load(const StateReader& from, const History&) override { seen = from.whole("seen", 0, 1 << 20); }

  std::vector<std::string> said;
  Index seen = 0;
  bool fails = false;

 private:
  void say(const std::string& what) {
    if (said.empty() || said.back() != what) said.push_back(what);
  }
};

struct Run {
  DataParts data = open_data("digits", {.split = {.validation = false}});
  ModelPtr model;
  std::unique_ptr<Optimizer> optimizer = make_sgd({.rate = 0.05, .momentum = 0.9});
  std::unique_ptr<Loader> train, validation;
  std::unique_ptr<Trainer> trainer;

  explicit Run(TrainConfig config) {
    model = make_builtin("small", "flatten, dense 16, norm, relu, dense", {data.train->info().shape},
                         data.train->class_count());
    model->initialise(1);
    std::vector<Index> some(128);
    for (std::size_t i = 0; i < some.size(); ++i) some[i] = static_cast<Index>(i);
    const DatasetPtr part = subset(data.train, some);
    train = std::make_unique<Loader>(part, LoaderOptions{.batch = 64, .seed = 1});
    validation = std::make_unique<Loader>(part, LoaderOptions{.batch = 64, .shuffle = false});
    trainer = std::make_unique<Trainer>(*model, *optimizer, *train, *validation, std::move(config));
  }
};

std::vector<std::vector<real>> values(const Model& model) {
  std::vector<std::vector<real>> all;
  for (const NamedParameter& p : model.parameters()) {
    const auto own = p.parameter->value().values();
    all.emplace_back(own.begin(), own.end());
  }
  return all;
}

}  // namespace

TEST_CASE("phases come in their order") {
  Recorder recorder;
  Run run({.epochs = 1, .extensions = {{"recorder", &recorder}}});
  run.trainer->run();
  const std::vector<std::string> wanted = {"begin 1", "first step", "forward",    "backward",     "update",
                                           "updated", "step",       "forward",    "backward",     "update",
                                           "updated", "steps made", "evaluation", "end of epoch", "end 1"};
  CHECK(recorder.said == wanted);
  CHECK(recorder.seen == 128);
}

TEST_CASE("an extension's state is in checkpoints") {
  Recorder whole;
  Run undisturbed({.epochs = 2, .extensions = {{"recorder", &whole}}});
  SafeTensors saved;
  TrainHooks hooks;
  hooks.after_step = [&](Index step, Index, double) {
    if (undisturbed.trainer->epoch() == 2 && step == 1) undisturbed.trainer->save(StateWriter(saved));
  };
  undisturbed.trainer->run(hooks);
  CHECK(whole.seen == 256);

  Recorder later;
  Run resumed({.epochs = 2, .extensions = {{"recorder", &later}}});
  resumed.trainer->resume(StateReader(saved, "saved"));
  CHECK(later.seen == 192);
  resumed.trainer->run();
  CHECK(later.seen == 256);
  CHECK(values(*resumed.model) == values(*undisturbed.model));

  Recorder renamed;
  Run other({.epochs = 2, .extensions = {{"other", &renamed}}});
  CHECK(fails_with(Fault::model_file, "seen", [&] { other.trainer->resume(StateReader(saved, "saved")); }));
}

TEST_CASE("where a step fails weights and running statistics are those before it") {
  Recorder recorder;
  recorder.fails = true;
  Run run({.epochs = 1, .extensions = {{"recorder", &recorder}}});
  const auto before = values(*run.model);
  CHECK(fails_with(Fault::failure, "a fault of its own", [&] { run.trainer->run(); }));
  CHECK(values(*run.model) == before);
  CHECK(recorder.said.back() == "failed");
}

TEST_CASE("a list refuses names twice and what reads a field that nothing before it sets") {
  Recorder one, two;
  Extensions list;
  CHECK(fails_with(Fault::usage, "reads 'freeze', which none before it sets", [&] { list.add("one", one); }));
  Run run({.epochs = 1, .extensions = {{"same", &one}, {"same", &two}}});
  CHECK(fails_with(Fault::usage, "two extensions are named 'extension.same'", [&] { run.trainer->run(); }));
}
