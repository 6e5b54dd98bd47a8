// Training for tasks other than classes: numbers, several labels, a loss of one's own.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "data/memory.h"
#include "data/targets.h"
#include "engine/base/parallel.h"
#include "engine/base/rng.h"
#include "engine/base/sha256.h"
#include "engine/ops/activation.h"
#include "engine/ops/arithmetic.h"
#include "engine/ops/reduce.h"
#include "layers/dense.h"
#include "layers/tasks/registry.h"
#include "layers/tasks/regression.h"
#include "optim/trainer/task_of.h"
#include "optim/trainer/trainer.h"
#include "tests/errors.h"

using namespace firn;
using namespace firn::test;

namespace {

// Steps this small are done before a second thread has come.
const bool one_thread = (set_thread_count(1), true);

/// Rows of three normal numbers and what `value` makes of them.
template <class Make>
DatasetPtr made(Index samples, std::uint64_t seed, TargetKind kind, std::vector<std::string> names,
                Make make) {
  DataInfo info;
  info.name = "made";
  info.shape = Shape({3});
  info.classes = {"?"};
  Random random(seed, "made");
  std::vector<float> x;
  std::vector<double> y;
  for (Index i = 0; i < samples; ++i) {
    const double a = random.normal(), b = random.normal(), c = random.normal();
    for (const double one : {a, b, c}) x.push_back(static_cast<float>(one));
    for (const double one : make(a, b, c)) y.push_back(one);
  }
  const std::vector<std::int32_t> labels(static_cast<std::size_t>(samples));
  return with_targets(make_numbers(info, x, labels), kind, std::move(names), std::move(y));
}

/// Far from zero and wide, so that units matter.
DatasetPtr linear(Index samples, std::uint64_t seed) {
  return made(samples, seed, TargetKind::numbers, {"y"},
              [](double a, double b, double) { return std::vector<double>{5000 + 300 * a - 200 * b}; });
}

ModelPtr dense_model(Index width) {
  auto model = std::make_shared<Model>("line", InputSpec{Shape{3}}, width);
  model->add_block("fc", {{"fc", make<Dense>({.in = 3, .out = width})}});
  model->initialise(1);
  return model;
}

struct Run {
  DatasetPtr data, held;
  ModelPtr model;
  std::unique_ptr<Optimizer> optimizer = make_sgd({.rate = 0.05, .momentum = 0.9});
  std::unique_ptr<Loader> train, validation;
  std::unique_ptr<Trainer> trainer;

  Run(DatasetPtr samples, DatasetPtr others, ModelPtr net, TrainConfig config)
      : data(std::move(samples)), held(std::move(others)), model(std::move(net)) {
    if (data->info().targets == TargetKind::numbers) {
      const TargetScale scale = target_scale_of(*data);
      data = with_target_scale(data, scale);
      held = with_target_scale(held, scale);
    }
    train = std::make_unique<Loader>(data, LoaderOptions{.batch = 32, .seed = 1, .background = false});
    validation =
        std::make_unique<Loader>(held, LoaderOptions{.batch = 64, .shuffle = false, .background = false});
    trainer = std::make_unique<Trainer>(*model, *optimizer, *train, *validation, std::move(config));
  }
  std::set<std::string> names() const {
    std::set<std::string> all;
    for (const NamedParameter& p : model->parameters()) all.insert(p.name);
    return all;
  }
  std::string hash() const {
    Sha256 sum;
    for (const NamedParameter& p : model->parameters())
      sum.update(std::as_bytes(p.parameter->value().values()));
    return sum.hex();
  }
};

ModelPtr mlp(const std::string& freeze) {
  const ModelPtr model = find_model("mlp").make({.sample = Shape{3}}, 1);
  model->initialise(3);
  model->set_freeze(freeze);
  return model;
}

Run mlp_run(const std::string& freeze, CacheMode cache = CacheMode::off) {
  TrainConfig config;
  config.epochs = 4;
  config.schedule = cosine_schedule();
  config.keep_best = true;
  config.cache.mode = cache;
  config.program.exact = true;
  return Run(linear(100, 1), linear(50, 2), mlp(freeze), config);
}

/// The absolute error of what is learned.
class Absolute : public Regression {
 public:
  using Regression::Regression;
  std::string_view name() const override { return "absolute"; }
  Value loss(Graph& graph, Value output, Value targets, const LossOptions&) const override {
    const Value up = activate(graph, Activation::relu, subtract(graph, output, targets));
    const Value down = activate(graph, Activation::relu, subtract(graph, targets, output));
    return mean(graph, add(graph, up, down));
  }
};

}  // namespace

TEST_CASE("a line is found, and told in the units of the data") {
  TrainConfig config;
  config.epochs = 20;
  config.restore_best = true;
  Run run(linear(200, 1), linear(100, 2), dense_model(1), config);
  CHECK(run.trainer->task().name() == "regression");
  const History history = run.trainer->run();
  const Evaluation e = evaluate(*run.model, run.trainer->programs(), *run.validation);
  CHECK(e.metrics[0] > 0.9999);
  CHECK(e.metrics[1] < 1);  // of a target of deviation 360
  CHECK(e.truths[0] > 3000);
  CHECK(e.answers[0] == doctest::Approx(e.truths[0]).epsilon(1e-3));
  // The best epoch is that of the lowest squared error.
  const EpochRecord& best = history.epochs[static_cast<std::size_t>(history.best_epoch - 1)];
  for (const EpochRecord& r : history.epochs) CHECK(r.validation_loss >= best.validation_loss);
  CHECK(history.best_score == best.validation_score);
  CHECK(best.validation_metrics == e.metrics);
}

TEST_CASE("frozen parts and kept features: the same bits") {
  for (const char* freeze : {"half", "head", "none"}) {
    CAPTURE(freeze);
    Run plain = mlp_run(freeze), kept = mlp_run(freeze, CacheMode::on);
    const std::string before = plain.hash();
    const History history = plain.trainer->run();
    Index active = 0;
    TrainHooks hooks;
    hooks.after_epoch = [&](const EpochRecord&) { active += kept.trainer->features().active() ? 1 : 0; };
    kept.trainer->run(hooks);
    CHECK((active > 0) == (std::string(freeze) != "none"));
    CHECK(plain.hash() == kept.hash());
    CHECK(plain.hash() != before);
    CHECK(history.epochs.back().validation_score > 0.5);
  }
}

TEST_CASE("a run goes on to the bit, with all its metrics") {
  Run whole = mlp_run("half");
  std::map<Index, SafeTensors> states;
  const auto keep = [&] {
    SafeTensors to;
    whole.trainer->save(StateWriter(to), whole.names());
    states[2 * whole.trainer->steps() + (states.contains(2 * whole.trainer->steps()) ? 1 : 0)] =
        std::move(to);
  };
  TrainHooks hooks;
  hooks.after_step = [&](Index, Index, double) { keep(); };
  hooks.after_epoch = [&](const EpochRecord&) { keep(); };
  const History wanted = whole.trainer->run(hooks);
  REQUIRE(states.size() == 20);
  for (const auto& entry : states) {
    const Index at = entry.first;
    const SafeTensors& state = entry.second;
    CAPTURE(at);
    Run rest = mlp_run("half");
    rest.trainer->resume(StateReader(state, "state"), rest.names());
    const History history = rest.trainer->run();
    CHECK(rest.hash() == whole.hash());
    REQUIRE(history.epochs.size() == wanted.epochs.size());
    for (std::size_t i = 0; i < history.epochs.size(); ++i)
      CHECK(history.epochs[i].validation_metrics == wanted.epochs[i].validation_metrics);
    CHECK(history.best_epoch == wanted.best_epoch);
    CHECK(history.last_evaluation.metrics == wanted.last_evaluation.metrics);
  }
  // A run for another task is another run.
  TrainConfig config;
  config.epochs = 4;
  config.schedule = cosine_schedule();
  config.program.task = std::make_shared<Absolute>(1);
  Run other(linear(100, 1), linear(50, 2), mlp("half"), config);
  CHECK(fails_with(Fault::usage, "the task regression, this one has absolute", [&] {
    other.trainer->resume(StateReader(states.begin()->second, "state"), other.names());
  }));
}

TEST_CASE("several labels are learned") {
  const auto make = [](double a, double b, double) {
    return std::vector<double>{a > 0 ? 1.0 : 0.0, a + b > 1 ? 1.0 : 0.0};
  };
  TrainConfig config;
  config.epochs = 30;
  Run run(made(300, 1, TargetKind::labels, {"a", "ab"}, make),
          made(200, 2, TargetKind::labels, {"a", "ab"}, make), dense_model(2), config);
  CHECK(run.trainer->task().name() == "labels");
  const History history = run.trainer->run();
  CHECK(history.best_score > 0.93);
  CHECK(history.epochs.back().validation_metrics[1] > 0.95);
  CHECK(history.epochs.back().validation_metrics.size() == 3);
}

TEST_CASE("each task that data can be read for is known, with targets of the kind that data gives") {
  CHECK(task_targets().size() == task_registry().size());
  for (const TaskTargets& one : task_targets()) {
    INFO(one.task);
    const TaskPtr task = find_task(one.task, 2);
    REQUIRE(task != nullptr);
    const Spec targets = task->targets(task->each_step() ? Shape{3, 4, 2} : Shape{3, 2});
    CHECK((targets.type == DType::int32) == (one.kind == TargetKind::classes));
    CHECK(answers_with_numbers(one.task) == (one.kind == TargetKind::numbers));
    DataInfo info{.targets = one.kind,
                  .task = std::string(one.task),
                  .classes = {"a", "b"},
                  .label_each_step = task->each_step()};
    CHECK(task_of(info)->name() == one.task);
    // Where none is named, it is the first for such targets.
    info.task.clear();
    const std::string_view usual = task_of(info)->name();
    CHECK(target_kind_of(usual) == one.kind);
    CHECK(std::none_of(task_targets().begin(),
                       std::find_if(task_targets().begin(), task_targets().end(),
                                    [&](const TaskTargets& t) { return t.task == usual; }),
                       [&](const TaskTargets& t) {
                         return t.kind == one.kind &&
                                find_task(t.task, 2)->each_step() == info.label_each_step;
                       }));
  }
}

TEST_CASE("a loss of one's own finds the median where squares find the mean") {
  // A quarter of the targets are far out, on one side.
  const auto make = [n = 0](double, double, double) mutable {
    return std::vector<double>{n++ % 4 == 0 ? 100.0 : 0.0};
  };
  TrainConfig config;
  config.epochs = 60;
  config.schedule = cosine_schedule();
  config.program.task = std::make_shared<Absolute>(1);
  const auto constant = [&](TrainConfig own) {
    auto model = dense_model(1);
    for (const NamedParameter& p : model->parameters()) p.parameter->mutable_value().fill(0);
    DatasetPtr data = made(200, 1, TargetKind::numbers, {"y"}, make);
    Loader train(data, {.batch = 50, .seed = 1});
    const auto optimizer = make_sgd({.rate = 0.3});
    Trainer trainer(*model, *optimizer, train, own);
    trainer.run();
    return static_cast<double>(model->parameters().back().parameter->value().data()[0]);
  };
  CHECK(std::abs(constant(config)) < 1);
  config.program.task = nullptr;
  CHECK(constant(config) == doctest::Approx(25).epsilon(0.2));
}

TEST_CASE("data and task that do not fit are told so") {
  TrainConfig config;
  config.program.task = std::make_shared<Regression>(1);
  DataInfo info;
  info.name = "classes";
  info.shape = Shape({3});
  info.classes = {"a", "b"};
  const DatasetPtr data = make_numbers(info, std::vector<float>(6), {0, 1});
  const ModelPtr model = dense_model(1);
  ProgramCache programs(*model, {.task = config.program.task});
  Loader loader(data, {.batch = 2, .shuffle = false});
  CHECK(fails_with(Fault::usage, "the targets of classes are indices (2), regression wants numbers (2,1)",
                   [&] { evaluate(*model, programs, loader); }));
  const auto optimizer = make_sgd({.rate = 0.1});
  Trainer trainer(*model, *optimizer, loader, config);
  CHECK(fails_with(Fault::usage, "targets", [&] { trainer.run(); }));
}
