// Policies in a run: what they freeze stays, programs are made once a set, no bit depends on threads.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>

#include "data/source.h"
#include "data/subset.h"
#include "engine/base/parallel.h"
#include "engine/base/sha256.h"
#include "optim/policies/registry.h"
#include "optim/trainer/trainer.h"
#include "tests/errors.h"
#include "tests/optim/policy_blocks.h"

using namespace firn;
using namespace firn::test;

namespace {

// Steps this small are done before a second thread has come; one test sets more.
const bool one_thread = (set_thread_count(1), true);

const DataParts& digits() {
  static const DataParts parts = open_data("digits", {.split = {.validation = false}});
  return parts;
}

std::string hash_of(const Parameter& parameter) {
  Sha256 hash;
  hash.update(std::as_bytes(parameter.value().values()));
  return hash.hex();
}

struct Run {
  ModelPtr model;
  Loader train, test;
  std::unique_ptr<Optimizer> optimizer = make_sgd({.rate = 0.05, .momentum = 0.9, .decay = 5e-4});
  const Trainer* trainer = nullptr;

  explicit Run(const std::string& name = "cnn", const DatasetPtr& data = digits().train)
      : model(find_model(name).make({.sample = data->info().shape}, data->class_count())),
        train(data, {.batch = 64, .seed = 1, .background = false}),
        test(digits().test, {.batch = 128, .shuffle = false}) {
    model->initialise(1);
  }
  std::vector<bool> flags() const {
    std::vector<bool> all;
    for (const NamedParameter& p : model->parameters()) all.push_back(trains(*p.parameter));
    return all;
  }
  /// In the step of the run, or in the model where none is under way.
  bool trains(const Parameter& p) const {
    return trainer != nullptr ? trainer->freeze_set().trains(p) : p.trainable();
  }
  std::string hash() const {
    std::string all;
    for (const NamedParameter& p : model->parameters()) all += hash_of(*p.parameter);
    return all;
  }
  TrainConfig config(const std::string& policy, Index epochs) const {
    TrainConfig config;
    config.epochs = epochs;
    config.schedule = cosine_schedule();
    config.clip_norm = 5;
    config.policy = parse_policy(policy);
    config.program.seed = 1;
    return config;
  }
  History go(TrainConfig config, const TrainHooks& hooks = {}) {
    Trainer one(*model, *optimizer, train, test, std::move(config));
    trainer = &one;
    const History history = one.run(hooks);
    trainer = nullptr;
    return history;
  }
};

/// Every policy of the registry, with values under which it does something in three epochs of 23 steps.
const std::vector<std::string>& policies() {
  static const std::vector<std::string> all = {"none",
                                               "first,k=2",
                                               "last",
                                               "only,block=1",
                                               "head",
                                               "pattern,freeze=conv1.weight+fc*.bias",
                                               "bias-only",
                                               "lp-ft",
                                               "gradual",
                                               "fine-tune",
                                               "random-frozen,k=2",
                                               "freezeout,t0=0.5",
                                               "autofreeze,every=3",
                                               "egeria,every=2,window=1,checks=1,tolerance=1",
                                               "slimfit",
                                               "slimfit,unit=tensor",
                                               "auto-rgn",
                                               "layerout",
                                               "lisa,blocks=1,every=5",
                                               "apf,every=2,threshold=0.9,decay=0.5"};
  return all;
}

/// Whether blocks freeze or thaw. Of apf's units no block rests as a whole here.
bool changes_blocks(const std::string& policy) {
  return policy != "none" && policy != "auto-rgn" && !policy.ends_with("tensor") &&
         !policy.starts_with("pattern") && !policy.starts_with("bias") && !policy.starts_with("apf");
}

}  // namespace

TEST_CASE("every policy: frozen bytes stay, state is dropped, programs are made once a set") {
  for (const std::string& policy : policies()) {
    CAPTURE(policy);
    Run run;
    const std::vector<bool> before = run.flags();
    const auto parameters = run.model->parameters();
    std::map<const Parameter*, std::string> hashes;
    Trainer trainer(*run.model, *run.optimizer, run.train, run.test, run.config(policy, 3));
    run.trainer = &trainer;
    TrainHooks hooks;
    std::set<std::pair<FreezeSet, bool>> programs;
    double trained = 0;
    Index steps_made = 0;
    std::vector<FreezeChange> seen;
    hooks.on_freeze = [&](std::span<const FreezeChange> changes) {
      seen.insert(seen.end(), changes.begin(), changes.end());
    };
    hooks.after_step = [&](Index step, Index steps, double loss) {
      CHECK(std::isfinite(loss));
      std::size_t train_now = 0;
      bool moved = false;
      for (const NamedParameter& p : parameters) {
        std::string& last = hashes[p.parameter.get()];
        const std::string hash = hash_of(*p.parameter);
        if (!run.trains(*p.parameter) && !last.empty()) CHECK(hash == last);
        moved = moved || hash != last;
        last = hash;
        train_now += run.trains(*p.parameter) ? 1 : 0;
      }
      CHECK(moved);
      CHECK(run.optimizer->parameters_with_state() == train_now);
      programs.insert({trainer.freeze_set(), step == steps});
      for (int block = 0; block < 4; ++block) {
        const auto own = run.model->block_parameters(block);
        trained += run.trains(*own[0].parameter) || run.trains(*own[1].parameter) ? 0.25 : 0;
      }
      ++steps_made;
    };
    const History history = trainer.run(hooks);
    CHECK(run.flags() == before);
    CHECK(trainer.programs().compiled() == static_cast<int>(programs.size()) + 2);  // two batches of the test
    CHECK(history.epochs.back().loss < history.epochs.front().loss);

    double reported = 0;
    for (const EpochRecord& epoch : history.epochs)
      reported += epoch.trained_share * static_cast<double>(epoch.steps);
    CHECK(reported == doctest::Approx(trained));
    CHECK(steps_made == 3 * run.train.batches());
    CHECK(seen.size() == history.changes.size());
    CHECK(history.changes.empty() != changes_blocks(policy));
    std::vector<bool> frozen(4);
    Index last_step = 0;
    for (const FreezeChange& change : history.changes) {
      CHECK(change.step >= last_step);
      CHECK(change.step < steps_made);
      CHECK(frozen[static_cast<std::size_t>(change.block)] != change.frozen);  // every line is a change
      frozen[static_cast<std::size_t>(change.block)] = change.frozen;
      last_step = change.step;
    }
  }
}

TEST_CASE("every policy: the same bits on 1 and 3 threads, and on a second run") {
  for (const std::string& policy : policies()) {
    CAPTURE(policy);
    std::set<std::string> results;
    for (const int threads : {1, 3, 3}) {
      set_thread_count(threads);
      Run run;
      const History history = run.go(run.config(policy, 2));
      std::string log;
      for (const FreezeChange& c : history.changes) {
        log += std::to_string(c.step) + (c.frozen ? " -" : " +") + std::to_string(c.block) + ";";
      }
      results.insert(run.hash() + log);
    }
    CHECK(results.size() == 1);
  }
  set_thread_count(1);
}

TEST_CASE("batch norms of frozen blocks use their running statistics and leave them alone") {
  const DatasetPtr few = subset_per_class(digits().train, 8, 1);
  for (const std::string policy : {"first,k=3", "bn-only", "bias-only,head=on", "layerout"}) {
    CAPTURE(policy);
    Run run("resnet20", few);
    std::map<const Parameter*, std::string> hashes;
    for (const NamedParameter& p : run.model->parameters()) hashes[p.parameter.get()] = hash_of(*p.parameter);
    TrainHooks hooks;
    hooks.after_step = [&](Index, Index, double) {
      for (const NamedParameter& p : run.model->parameters()) {
        const std::string hash = hash_of(*p.parameter);
        std::string& last = hashes[p.parameter.get()];
        if (p.parameter->role() == Role::statistic) {
          CHECK((hash != last) == run.trains(*p.parameter));
        } else if (!run.trains(*p.parameter)) {
          CHECK(hash == last);
        }
        last = hash;
      }
    };
    run.go(run.config(policy, 1), hooks);
  }
}

TEST_CASE("what --freeze froze stays frozen under every policy") {
  for (const std::string& policy : policies()) {
    if (policy == "only,block=1") continue;  // freezes what is left
    CAPTURE(policy);
    Run run;
    run.model->set_freeze("0,conv2.bias");
    std::map<const Parameter*, std::string> fixed;
    for (const NamedParameter& p : run.model->parameters()) {
      if (!p.parameter->trainable()) fixed[p.parameter.get()] = hash_of(*p.parameter);
    }
    REQUIRE(fixed.size() == 3);
    const std::vector<bool> before = run.flags();
    if (policy.starts_with("pattern")) {
      CHECK(fails_with(Fault::usage, "no parameter is called conv1", [&] { run.go(run.config(policy, 1)); }));
      continue;
    }
    run.go(run.config(policy, 1));
    for (const auto& [parameter, hash] : fixed) CHECK(hash_of(*parameter) == hash);
    CHECK(run.flags() == before);
  }
}

TEST_CASE("patterns and roles freeze single parameters of blocks that train") {
  const auto moved = [](const std::string& policy) {
    Run run;
    const auto parameters = run.model->parameters();
    std::vector<std::string> before;
    for (const NamedParameter& p : parameters) before.push_back(hash_of(*p.parameter));
    run.go(run.config(policy, 1));
    std::string names;
    for (std::size_t i = 0; i < before.size(); ++i) {
      if (hash_of(*parameters[i].parameter) != before[i]) names += parameters[i].name + " ";
    }
    return names;
  };
  CHECK(moved("pattern,freeze=conv*.weight+fc*") == "conv1.bias conv2.bias ");
  CHECK(moved("pattern,train=fc2+conv1.weight") == "conv1.weight fc2.weight fc2.bias ");
  CHECK(moved("bias-only") == "conv1.bias conv2.bias fc1.bias fc2.weight fc2.bias ");
}

TEST_CASE("the numbers that policies decide on are those of the run") {
  // SlimFit by hand: the relative change of each block in the step that it trained last.
  Run run;
  std::vector<double> change(4, std::numeric_limits<double>::infinity());
  std::vector<std::vector<real>> last;
  const auto parameters = run.model->parameters();
  for (const NamedParameter& p : parameters) {
    last.emplace_back(p.parameter->value().values().begin(), p.parameter->value().values().end());
  }
  std::vector<bool> wanted(4, true);
  std::set<std::vector<bool>> sets;
  TrainHooks hooks;
  hooks.after_step = [&](Index, Index, double) {
    std::vector<bool> trained(4);
    for (std::size_t block = 0; block < 4; ++block) {  // a weight and a bias each
      double sum = 0, count = 0;
      for (const std::size_t i : {2 * block, 2 * block + 1}) {
        const auto now = parameters[i].parameter->value().values();
        trained[block] = run.trains(*parameters[i].parameter);
        for (std::size_t j = 0; j < now.size(); ++j) {
          const auto old = static_cast<double>(last[i][j]);
          if (old == 0) continue;
          sum += std::abs((old - static_cast<double>(now[j])) / old);
          ++count;
        }
        last[i].assign(now.begin(), now.end());
      }
      if (trained[block]) change[block] = sum / count;
    }
    CHECK(trained == wanted);
    sets.insert(trained);
    std::vector<double> sorted(change.begin(), change.begin() + 3);  // the head trains
    std::sort(sorted.begin(), sorted.end());
    for (std::size_t block = 0; block < 3; ++block) wanted[block] = change[block] > sorted[1];
  };
  run.go(run.config("slimfit", 4), hooks);
  CHECK(sets.size() > 2);

  // Distances of 0 would look still, gradients of 0 would leave the rates alone.
  Run moving, rated, plain;
  CHECK(moving.go(moving.config("egeria,every=2,window=1,checks=1,tolerance=0", 2)).changes.empty());
  Run below;  // the first block that the policy sees is the second of the model; the first stands still
  below.model->set_freeze("1");
  CHECK(below.go(below.config("egeria,every=2,window=1,checks=1,tolerance=0", 2)).changes.empty());
  rated.go(rated.config("auto-rgn", 1));
  plain.go(plain.config("none", 1));
  CHECK(rated.hash() != plain.hash());
}

TEST_CASE("a policy's rates: the record has the greatest, FreezeOut's replace the schedule") {
  Run run;
  const History freezeout = run.go(run.config("freezeout,t0=0.5", 1));
  const auto t = static_cast<double>(run.train.batches() - 1) / static_cast<double>(run.train.batches());
  const double cosine = 0.025 * (1 + std::cos(3.14159265358979 * t));  // of the last block, the only one left
  CHECK(freezeout.epochs[0].rate == doctest::Approx(cosine));
  Run tuned;
  const History lp_ft = tuned.go(tuned.config("lp-ft,probe=1,rate=0.1,schedule=run", 2));
  Run plain;
  const History none = plain.go(plain.config("none", 2));
  CHECK(lp_ft.epochs[0].rate == none.epochs[0].rate);
  CHECK(lp_ft.epochs[1].rate == doctest::Approx(0.1 * none.epochs[1].rate));
  Run phases;  // a cosine of its own in each epoch: the same end of it
  const History own = phases.go(phases.config("lp-ft,probe=1,rate=0.1", 2));
  CHECK(own.epochs[1].rate == doctest::Approx(0.1 * own.epochs[0].rate));
  CHECK(own.epochs[0].rate < 0.1 * none.epochs[0].rate);
}

TEST_CASE("of very many programs the oldest goes") {
  Run run("mlp");
  ProgramCache programs(*run.model, {});
  const Shape sample{8, 8, 1};
  const auto most = static_cast<Index>(ProgramCache::kMost);
  for (Index batch = 1; batch <= most; ++batch) programs.training(batch, sample);
  CHECK(programs.compiled() == most);
  programs.training(1, sample);  // asked for again: no longer the oldest
  programs.training(most + 1, sample);
  programs.training(1, sample);
  CHECK(programs.compiled() == most + 1);
  programs.training(2, sample);
  CHECK(programs.compiled() == most + 2);
}

TEST_CASE("random-frozen renews what it freezes") {
  Run run;
  const auto first = run.model->block_parameters(0);
  const auto rest = run.model->block_parameters(2);
  const std::string before = hash_of(*first[0].parameter);
  TrainConfig config = run.config("random-frozen,k=1", 1);
  TrainHooks hooks;
  std::string at_first;
  hooks.after_step = [&](Index step, Index, double) {
    if (step == 1) at_first = hash_of(*first[0].parameter);
  };
  run.go(config, hooks);
  CHECK(at_first != before);
  CHECK(hash_of(*first[0].parameter) == at_first);
  CHECK(hash_of(*rest[0].parameter) != before);
  Run copied;
  copied.go(copied.config("random-frozen,k=1,first=copied", 1));
  CHECK(hash_of(*copied.model->block_parameters(0)[0].parameter) == before);
}

TEST_CASE("a thawed block's rate warms up") {
  const auto first_move = [](Index warm_up) {
    Run run;
    run.optimizer = make_sgd({.rate = 0.05});
    TrainConfig config = run.config("gradual,divide=1", 2);
    config.schedule = constant_schedule();
    config.clip_norm = 0;
    config.thaw_warm_up = warm_up;
    const auto weight = run.model->block_parameters(2)[0].parameter;
    const double before = static_cast<double>(weight->value().data()[7]);
    std::vector<double> moves;
    TrainHooks hooks;
    hooks.after_step = [&](Index, Index, double) {
      moves.push_back(static_cast<double>(weight->value().data()[7]) - before);
    };
    run.go(config, hooks);
    const auto thaw = static_cast<std::size_t>(run.train.batches());
    CHECK(moves[thaw - 1] == 0);
    return moves[thaw];
  };
  const double whole = first_move(0);
  REQUIRE(std::abs(whole) > 1e-6);
  CHECK(first_move(1) == whole);
  CHECK(first_move(4) / whole == doctest::Approx(0.25).epsilon(0.01));
}

TEST_CASE("momentum of what is frozen: dropped, kept, or decayed") {
  const auto after_thaw = [](bool keep, double decay, bool adam) {
    Blocks made(2);
    Parameter& a = *made.parameters[0];
    Parameter& b = *made.parameters[1];
    const auto optimizer = adam ? make_adam({.rate = 1}) : make_sgd({.rate = 1, .momentum = 0.5});
    optimizer->set_keep_state(keep, decay);
    real gradient[] = {2, 2};
    const std::vector<GradientView> both{{&a, gradient, 2}, {&b, gradient, 2}}, one{{&a, gradient, 2}};
    optimizer->step(both);
    for (int i = 0; i < 2; ++i) optimizer->step(one);
    optimizer->step(both);
    return optimizer->state(b)->slots;
  };
  CHECK(after_thaw(false, 1, false)[0].data()[0] == 2);
  CHECK(after_thaw(true, 1, false)[0].data()[0] == 3);       // 0.5 * 2 + 2
  CHECK(after_thaw(true, 0.5, false)[0].data()[0] == 2.25);  // 0.5 * (2 / 4) + 2
  const auto adam = after_thaw(true, 0.5, true);
  CHECK(adam[0].data()[1] == doctest::Approx(0.9 * 0.2 / 4 + 0.1 * 2));
  CHECK(adam[1].data()[1] == doctest::Approx(0.999 * 0.004 + 0.001 * 4));  // second moments stay
}

TEST_CASE("a probe gives what the blocks give") {
  Run run("resnet20", subset_per_class(digits().train, 8, 1));
  run.train.start(0);
  const Batch& batch = *run.train.next();
  ProgramSettings settings;
  settings.exact = true;
  Probe probe(*run.model, settings, batch);
  const std::vector<Activations> fused = probe.run();
  REQUIRE(fused.size() == run.model->blocks().size());
  Graph::Options options;
  options.exact = true;
  const auto plain = Program::inference(
      run.model->inference_graph(batch.count, batch.x.shape().tail(1), options, true), {.fuse = false});
  const auto compare = [&] {
    plain->feed("x", batch.x);
    plain->run();
    probe.run();
    double greatest = 0;
    for (std::size_t block = 0; block < fused.size(); ++block) {
      const real* wanted = plain->output_data(Model::block_output(static_cast<int>(block)));
      REQUIRE(fused[block].rows == Probe::kRows);
      for (Index i = 0; i < fused[block].rows * fused[block].features; ++i) {
        const double difference = std::abs(static_cast<double>(fused[block].data[i] - wanted[i]));
        CHECK_MESSAGE(!(difference > 1e-4), "block ", block, " element ", i);
        greatest = std::max(greatest, std::abs(static_cast<double>(wanted[i])));
      }
    }
    CHECK(greatest > 0.1);
  };
  compare();
  run.model->initialise(2);  // the weights as they are now
  compare();
}

TEST_CASE("a policy that does not fit is refused before anything is done") {
  Run run;
  const std::string before = run.hash();
  CHECK(
      fails_with(Fault::usage, "no parameter has the role norm", [&] { run.go(run.config("bn-only", 1)); }));
  CHECK(fails_with(Fault::usage, "4 of 4 blocks", [&] { run.go(run.config("first,k=4", 1)); }));
  run.model->set_freeze("all");
  CHECK(fails_with(Fault::usage, "everything is frozen", [&] { run.go(run.config("head", 1)); }));
  CHECK(run.hash() == before);
  TrainConfig config;
  config.thaw_warm_up = -1;
  CHECK(fails_with(Fault::usage, "-1 steps", [&] { run.go(config); }));
}
