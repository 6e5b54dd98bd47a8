// What writes into something frozen is found, and named.
#include "optim/trainer/frozen_audit.h"

#include <doctest/doctest.h>

#include "data/source.h"
#include "data/subset.h"
#include "engine/base/error.h"
#include "engine/base/parallel.h"
#include "optim/trainer/trainer.h"
#include "tests/errors.h"

using namespace firn;
using namespace firn::test;

namespace {

const bool one_thread = (set_thread_count(1), true);

/// The cnn on digits, four steps an epoch.
struct Run {
  DatasetPtr data = subset_per_class(open_data("digits", {.split = {.validation = false}}).train, 20, 1);
  ModelPtr model = find_model("cnn").make({.sample = data->info().shape}, data->class_count());
  std::unique_ptr<Optimizer> optimizer = make_sgd({.rate = 0.05, .momentum = 0.9});
  Loader train{data, {.batch = 56, .seed = 1, .background = false}};
  Loader test{data, {.batch = 128, .shuffle = false, .background = false}};
  std::unique_ptr<Trainer> trainer;

  explicit Run(const std::string& freeze, bool audit_steps = false, Index epochs = 3) {
    model->initialise(1);
    if (!freeze.empty()) model->set_freeze(freeze);
    TrainConfig config;
    config.epochs = epochs;
    config.audit_steps = audit_steps;
    trainer = std::make_unique<Trainer>(*model, *optimizer, train, test, config);
  }
  Parameter& parameter(const std::string& name) const {
    for (const NamedParameter& p : model->parameters()) {
      if (p.name == name) return *p.parameter;
    }
    throw Error(Fault::failure, "test", "there is no " + name);
  }
  /// Adds to an element behind a step, counted over the whole run.
  TrainHooks spoil(const std::string& name, Index element, Index step) const {
    TrainHooks hooks;
    hooks.after_step = [this, name, element, step](Index, Index, double) {
      if (trainer->steps() == step) parameter(name).mutable_value().data()[element] += 1;
    };
    return hooks;
  }
};

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("a run that leaves what is frozen alone passes") {
  for (const bool steps : {false, true}) {
    Run run("conv*", steps);
    const AuditReport audit = run.trainer->run().audit;
    CHECK(audit.watched == 4);
    CHECK(audit.in_part == 0);
    CHECK(audit.unchanged() == 4);
    CHECK(audit.changed.empty());
  }
  Run free("");
  CHECK(free.trainer->run().audit.watched == 0);
}

TEST_CASE("what writes into a frozen tensor between two steps is named with the step; without, at the end") {
  for (const Index step : {1, 4, 6}) {
    Run watched("conv*", true);
    CHECK(fails_with(Fault::failure,
                     "conv2.bias is frozen and was changed in step " + std::to_string(step + 1),
                     [&] { watched.trainer->run(watched.spoil("conv2.bias", 3, step)); }));
    Run run("conv*");
    const AuditReport audit = run.trainer->run(run.spoil("conv2.bias", 3, step)).audit;
    CHECK(audit.changed == Names{"conv2.bias"});
    CHECK(audit.unchanged() == 3);
  }
}

TEST_CASE("of a tensor that is frozen in part the frozen units are watched, and these alone") {
  constexpr Index kOut = 64;  // the last axis of the weight in memory
  {
    Run run("conv2.weight[0:48]", true);
    const AuditReport audit = run.trainer->run().audit;  // the other units train
    CHECK(audit.watched == 1);
    CHECK(audit.in_part == 1);
    CHECK(audit.changed.empty());
  }
  for (const Index unit : {0, 47}) {
    Run watched("conv2.weight[0:48]", true);
    CHECK(fails_with(Fault::failure, "conv2.weight[0:48] is frozen and was changed in step 3",
                     [&] { watched.trainer->run(watched.spoil("conv2.weight", 5 * kOut + unit, 2)); }));
    Run run("conv2.weight[0:48]");
    CHECK(run.trainer->run(run.spoil("conv2.weight", 5 * kOut + unit, 2)).audit.changed ==
          Names{"conv2.weight"});
  }
  Run live("conv2.weight[0:48]", true);
  CHECK(live.trainer->run(live.spoil("conv2.weight", 5 * kOut + 48, 2)).audit.changed.empty());
}

TEST_CASE("when other units freeze, the ones before are judged") {
  Run run("conv2.weight[0:48]");
  TrainHooks hooks = run.spoil("conv2.weight", 7, 3);
  hooks.before_epoch = [&](Index epoch) {
    if (epoch == 2) run.parameter("conv2.weight").set_frozen_units({{16, 64}});
    if (epoch == 3) run.parameter("conv2.weight").set_trainable(false);
  };
  const AuditReport audit = run.trainer->run(hooks).audit;
  CHECK(audit.watched == 1);
  CHECK(audit.in_part == 0);
  CHECK(audit.changed == Names{"conv2.weight"});
}

TEST_CASE("the audit of a run that went on speaks of all of it") {
  // conv1 is frozen in the first epoch alone; a part of conv2 always.
  const auto thaw_conv1 = [](Run& run) {
    return [&run](Index epoch) {
      if (epoch != 2) return;
      for (const char* name : {"conv1.weight", "conv1.bias"}) run.parameter(name).set_trainable(true);
    };
  };
  const auto begin_run = [] {
    auto run = std::make_unique<Run>("conv1.*");
    run->parameter("conv2.weight").set_frozen_units({{0, 48}});
    return run;
  };
  for (const Index stop : {2, 4, 5, 9}) {
    for (const bool spoilt : {false, true}) {
      CAPTURE(stop);
      CAPTURE(spoilt);
      const auto first = begin_run();
      SafeTensors state;
      struct Stop {};
      // Between the hash at the start and the save; the version says nothing of it.
      TrainHooks hooks = first->spoil("conv2.weight", 1, spoilt ? 1 : -1);
      hooks.before_epoch = thaw_conv1(*first);
      const auto inner = hooks.after_step;
      hooks.after_step = [&](Index step, Index steps, double loss) {
        inner(step, steps, loss);
        if (first->trainer->steps() < stop) return;
        first->trainer->save(StateWriter(state));
        throw Stop();
      };
      CHECK_THROWS_AS(first->trainer->run(hooks), Stop);
      const auto rest = begin_run();
      rest->trainer->resume(StateReader(state, "state"));
      TrainHooks others;
      others.before_epoch = thaw_conv1(*rest);
      const AuditReport audit = rest->trainer->run(others).audit;
      CHECK(audit.watched == 3);
      CHECK(audit.in_part == 1);
      CHECK(audit.changed == (spoilt ? Names{"conv2.weight"} : Names{}));
    }
  }
}

TEST_CASE("a saved audit that cannot be one is refused") {
  const Run run("conv1.*");
  FrozenAudit audit(run.model->parameters());
  audit.take_up(run.model->freeze_set());
  const auto refused = [&](const std::string& why, const auto& change) {
    SafeTensors state;
    change(StateWriter(state).part("conv1.weight"));
    return fails_with(Fault::model_file, why, [&] { audit.load(StateReader(state, "state"), {}); });
  };
  const auto flags = [](const StateWriter& to) {
    for (const char* flag : {"ever", "whole"}) to.flag(flag, true);
    to.flag("changed", false);
  };
  CHECK(refused("is no hash", [&](const StateWriter& to) {
    to.text("sha256", "abc");
    flags(to);
  }));
  CHECK(refused("cannot be a part of it", [&](const StateWriter& to) {
    to.text("sha256", "");
    flags(to);
    to.ranges("live", {{0, 32}});
  }));
  CHECK(refused("sha256 is missing", flags));
  CHECK(refused("ever is missing", [](const StateWriter& to) { to.text("sha256", ""); }));
}
