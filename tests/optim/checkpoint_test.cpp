// Runs that are broken off and go on: the same bits as undisturbed, whatever decides what trains.
#include "optim/trainer/checkpoint.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <map>

#include "data/source.h"
#include "data/subset.h"
#include "engine/base/atomic_file.h"
#include "engine/base/parallel.h"
#include "engine/base/sha256.h"
#include "layers/weights.h"
#include "optim/policies/registry.h"
#include "tests/errors.h"
#include "tests/folder.h"

using namespace firn;
using namespace firn::test;

namespace {

// Steps this small are done before a second thread has come; one test sets more.
const bool one_thread = (set_thread_count(1), true);

struct Setting {
  std::string model = "cnn";
  std::string policy = "none";
  std::string freeze = "none";
  std::string optimizer = "sgd";
  Index thaw_warm_up = 0;
  bool keep_state = false;
  Index shift = 0;  ///< augmentation
  Index epochs = 3;
  CacheMode cache = CacheMode::off;
  bool standardised = false;  ///< the head
  std::uint64_t seed = 1;
};

std::unique_ptr<Optimizer> optimizer_of(const std::string& name) {
  if (name == "adam") return make_adam({.rate = 0.002});
  if (name == "rmsprop") return make_rmsprop({.rate = 0.001, .momentum = 0.5});
  return make_sgd({.rate = 0.05, .momentum = 0.9, .decay = 5e-4});
}

/// A run of twelve steps, three epochs of four, the last batch smaller.
struct Run {
  DatasetPtr data = subset_per_class(open_data("digits", {.split = {.validation = false}}).train, 20, 1);
  ModelPtr model;
  std::unique_ptr<Optimizer> optimizer;
  Loader train, test;
  std::unique_ptr<Trainer> trainer;

  explicit Run(const Setting& setting)
      : model(find_model(setting.model).make({.sample = data->info().shape}, data->class_count())),
        optimizer(optimizer_of(setting.optimizer)),
        train(data,
              {.batch = 56, .seed = setting.seed, .background = false, .augment = {.shift = setting.shift}}),
        test(data, {.batch = 128, .shuffle = false, .background = false}) {
    model->initialise(1);
    model->set_freeze(setting.freeze);
    optimizer->set_keep_state(setting.keep_state, 0.9);
    TrainConfig config;
    config.epochs = setting.epochs;
    config.schedule = cosine_schedule();
    config.clip_norm = 5;
    config.restore_best = config.keep_best = true;
    config.policy = parse_policy(setting.policy);
    config.thaw_warm_up = setting.thaw_warm_up;
    config.cache.mode = setting.cache;
    config.head = {.standardised = setting.standardised, .logit_deviation = 2};
    config.program.seed = setting.seed;
    trainer = std::make_unique<Trainer>(*model, *optimizer, train, test, config);
  }
  std::set<std::string> names() const {
    std::set<std::string> all;
    for (const NamedParameter& p : model->parameters()) all.insert(p.name);
    return all;
  }
  /// A checkpoint as bytes of a file.
  SafeTensors state() const {
    SafeTensors to;
    trainer->save(StateWriter(to), names());
    return read_safetensors(write_safetensors(to.tensors, to.metadata), "memory");
  }
};

/// All that must be the same, times aside.
std::string result_of(const Run& run, const History& history) {
  Sha256 hash;
  for (const NamedParameter& p : run.model->parameters()) {
    hash.update(std::as_bytes(p.parameter->value().values()));
    if (const Optimizer::State* state = run.optimizer->state(*p.parameter)) {
      for (const Tensor& slot : state->slots) hash.update(std::as_bytes(slot.values()));
      const std::int64_t counts[] = {state->steps, state->missed};
      hash.update(std::as_bytes(std::span(counts)));
    }
  }
  for (const NamedTensor& best : run.trainer->best_weights())
    hash.update(std::as_bytes(best.tensor.values()));
  for (const EpochRecord& r : history.epochs) {
    const double row[] = {static_cast<double>(r.epoch),
                          r.loss,
                          r.validation_score,
                          r.validation_loss,
                          r.rate,
                          r.gradient_norm,
                          static_cast<double>(r.steps),
                          r.trained_share};
    hash.update(std::as_bytes(std::span(row)));
  }
  for (const FreezeChange& c : history.changes) {
    const Index row[] = {c.step, c.block, c.frozen};
    hash.update(std::as_bytes(std::span(row)));
  }
  const double last[] = {static_cast<double>(history.best_epoch), history.best_score,
                         static_cast<double>(history.last_evaluation.right)};
  hash.update(std::as_bytes(std::span(last)));
  return hash.hex();
}

/// Breaks off behind every step and every epoch, and goes on in a new process's place.
void check_resumes(const Setting& setting, Index every = 1) {
  CAPTURE(setting.policy);
  CAPTURE(setting.model);
  Run whole(setting);
  std::map<Index, SafeTensors> states;  // by 2 * step, the end of an epoch one more
  std::vector<bool> flags;
  TrainHooks hooks;
  hooks.after_step = [&](Index, Index, double) {
    if (whole.trainer->steps() % every == 0) states[2 * whole.trainer->steps()] = whole.state();
  };
  hooks.after_epoch = [&](const EpochRecord&) { states[2 * whole.trainer->steps() + 1] = whole.state(); };
  const std::string wanted = result_of(whole, whole.trainer->run(hooks));
  CHECK(static_cast<Index>(states.size()) == setting.epochs + setting.epochs * 4 / every);
  for (const auto& entry : states) {
    const Index at = entry.first;
    const SafeTensors& state = entry.second;
    CAPTURE(at);
    Run rest(setting);
    rest.trainer->resume(StateReader(state, "state"), rest.names());
    CHECK(rest.trainer->steps() == at / 2);
    CHECK(result_of(rest, rest.trainer->run()) == wanted);
  }
}

Checkpoint checkpoint_of(const Run& run, const std::string& base) {
  CheckpointBase from{"base.safetensors", file_sha256(base), run.names()};
  return make_checkpoint(*run.model, *run.trainer, from, {{"firn.model", "cnn"}}, false);
}

/// A base, and a checkpoint of a run on it after five steps, in a folder.
struct Files {
  Folder folder;
  std::string base = folder / "base.safetensors", checkpoint = folder / "checkpoint.safetensors",
              whole = folder / "whole.safetensors";

  explicit Files(const Setting& setting) {
    Run run(setting);
    save_weights(*run.model, base, {{"firn.model", "cnn"}});
    TrainHooks hooks;
    hooks.stop = [&] { return run.trainer->steps() == 5; };
    hooks.after_step = [&](Index, Index, double) {
      if (run.trainer->steps() != 5) return;
      save_checkpoint(checkpoint, checkpoint_of(run, base));
      save_weights(*run.model, whole, {{"firn.model", "cnn"}});
    };
    run.trainer->run(hooks);
  }
};

}  // namespace

TEST_CASE("every policy goes on to the bit from every step and every epoch's end") {
  for (const char* policy : {"none",
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
                             "autofreeze,every=2",
                             "egeria,every=2,window=1,checks=1,tolerance=1",
                             "egeria,every=1,window=1,checks=1,tolerance=1,reference=2",
                             "slimfit",
                             "slimfit,every=3",
                             "slimfit,unit=tensor,every=2",
                             "auto-rgn,authors=on",
                             "gradual,authors=on",
                             "auto-rgn",
                             "layerout",
                             "lisa,blocks=1,every=3",
                             "apf,every=2,threshold=0.9,decay=0.5"}) {
    check_resumes({.policy = policy});
  }
}

TEST_CASE("optimizers, their states of frozen blocks, warm-up after a thaw, augmentation, a frozen part") {
  check_resumes(
      {.policy = "gradual", .optimizer = "adam", .thaw_warm_up = 3, .keep_state = true, .shift = 1});
  check_resumes({.policy = "slimfit", .optimizer = "rmsprop", .keep_state = true});
  check_resumes({.policy = "layerout", .freeze = "0,fc2.bias", .optimizer = "adam"});
  // Tensors of which a part is frozen.
  const std::string parts = "conv1.weight[0:3],fc2.weight[2:5+7:8]";
  check_resumes({.policy = "slimfit", .freeze = parts, .optimizer = "adam", .keep_state = true});
  check_resumes({.policy = "autofreeze", .freeze = parts});
  check_resumes({.policy = "apf,every=2,threshold=0.9,decay=0.5", .freeze = parts});
}

TEST_CASE("features that were kept are computed again") {
  check_resumes({.policy = "first,k=2", .cache = CacheMode::on});
  check_resumes({.policy = "gradual", .freeze = "0", .cache = CacheMode::on});
}

TEST_CASE("a standardised head goes on with the mean and deviation that it began with") {
  check_resumes({.freeze = "head", .optimizer = "adam", .cache = CacheMode::on, .standardised = true});
  // These move the features below it.
  check_resumes({.policy = "lp-ft", .shift = 1, .standardised = true});
  check_resumes({.policy = "layerout", .optimizer = "adam", .standardised = true});
}

TEST_CASE("batch norms, their statistics and roles") {
  check_resumes({.model = "resnet20", .policy = "bn-only,head=on", .epochs = 2}, 5);
  check_resumes({.model = "resnet20", .policy = "layerout", .epochs = 2}, 5);
}

TEST_CASE("flags that a hook has set are as they were") {
  const auto hooks_of = [](Run& run) {
    TrainHooks hooks;
    hooks.before_epoch = [&run](Index epoch) {
      if (epoch == 2) run.model->thaw("conv2");
    };
    return hooks;
  };
  const Setting setting{.policy = "none", .freeze = "half"};
  // Without a policy: one would have the flags to itself.
  const auto make = [&] {
    auto run = std::make_unique<Run>(setting);
    TrainConfig config;
    config.epochs = 3;
    run->trainer = std::make_unique<Trainer>(*run->model, *run->optimizer, run->train, run->test, config);
    return run;
  };
  auto whole = make();
  SafeTensors state;
  TrainHooks hooks = hooks_of(*whole);
  hooks.after_step = [&](Index, Index, double) {
    if (whole->trainer->steps() == 6) state = whole->state();
  };
  const std::string wanted = result_of(*whole, whole->trainer->run(hooks));
  auto rest = make();
  rest->trainer->resume(StateReader(state, "state"), rest->names());
  CHECK(rest->trainer->epoch() == 2);
  CHECK(result_of(*rest, rest->trainer->run(hooks_of(*rest))) == wanted);
}

TEST_CASE("another number of threads goes on to the same bits") {
  const Setting setting{.policy = "autofreeze,every=2"};
  std::set<std::string> results;
  for (const int threads : {1, 3}) {
    set_thread_count(1);
    Run whole(setting);
    SafeTensors state;
    TrainHooks hooks;
    hooks.after_step = [&](Index, Index, double) {
      if (whole.trainer->steps() == 7) state = whole.state();
    };
    whole.trainer->run(hooks);
    set_thread_count(threads);
    Run rest(setting);
    rest.trainer->resume(StateReader(state, "state"), rest.names());
    results.insert(result_of(rest, rest.trainer->run()));
  }
  set_thread_count(1);
  CHECK(results.size() == 1);
}

TEST_CASE("stopped in an evaluation it goes on before it") {
  const Setting setting;
  Run whole(setting), part(setting), rest(setting);
  const std::string wanted = result_of(whole, whole.trainer->run());
  SafeTensors state;
  TrainHooks hooks;
  Index steps_seen = 0;
  hooks.after_step = [&](Index, Index, double) { ++steps_seen; };
  Index asked = 0;
  hooks.stop = [&] {
    // Asked once a step; the fifth time is the first batch of the evaluation.
    if (++asked != 5) return false;
    state = part.state();
    return true;
  };
  const History history = part.trainer->run(hooks);
  CHECK(steps_seen == 4);
  CHECK(history.interrupted);
  CHECK(history.epochs.empty());
  rest.trainer->resume(StateReader(state, "state"), rest.names());
  CHECK(result_of(rest, rest.trainer->run()) == wanted);
}

TEST_CASE("what stays frozen is not in the file") {
  const Files all({}), head({.freeze = "head"}), policy({.policy = "first,k=3"});
  const auto size = [](const std::string& path) {
    return static_cast<double>(std::filesystem::file_size(path));
  };
  const Run run({});
  double total = 0, live = 0;
  for (const NamedParameter& p : run.model->parameters()) {
    const auto bytes = static_cast<double>(p.parameter->value().bytes());
    total += bytes;
    if (run.model->block_of(p.name) == 3) live += bytes;
  }
  CHECK(live < 0.1 * total);
  // Weights, momentum and those of the best epoch.
  CHECK(size(all.checkpoint) > 3 * total);
  CHECK(size(head.checkpoint) < 3 * live + 8192);
  CHECK(size(policy.checkpoint) < 3 * live + 8192);
  for (const Files* files : {&head, &policy}) {
    std::set<std::string> weights;
    for (const NamedTensor& t : load_checkpoint(files->checkpoint).state.tensors) {
      if (t.name.starts_with("audit.")) {
        CHECK(t.tensor.bytes() <= 65);  // a hash
        continue;
      }
      CHECK(t.name.find("conv") == std::string::npos);
      CHECK(t.name.find("fc1") == std::string::npos);
      if (t.name.starts_with("weights.")) weights.insert(t.name);
    }
    CHECK(weights == std::set<std::string>{"weights.fc2.weight", "weights.fc2.bias"});
  }
}

TEST_CASE("base and checkpoint together are the whole file, to the byte") {
  for (const char* freeze : {"none", "head", "conv2,fc2.bias"}) {
    const Files files({.freeze = freeze});
    const SafeTensors whole = load_whole(files.checkpoint);
    CHECK(write_safetensors(whole.tensors, whole.metadata) == read_file(files.whole));
    const std::string elsewhere = files.folder / "moved.safetensors";
    std::filesystem::rename(files.base, elsewhere);
    CHECK(fails_with(Fault::model_file, "--base FILE", [&] { load_whole(files.checkpoint); }));
    CHECK(load_whole(files.checkpoint, elsewhere).tensors.size() == whole.tensors.size());
  }
  // A whole file is what it is.
  const Files files({.freeze = "head"});
  CHECK(load_whole(files.whole).tensors.size() == 8);
}

TEST_CASE("another base, a weights file, another version, a damaged file are refused") {
  const Files files({.freeze = "head"});
  CHECK(fails_with(Fault::model_file, "is not the base of",
                   [&] { load_whole(files.checkpoint, files.whole); }));
  CHECK(fails_with(Fault::model_file, "is not the base of",
                   [&] { load_whole(files.checkpoint, files.checkpoint); }));
  CHECK(fails_with(Fault::model_file, "is no checkpoint", [&] { load_checkpoint(files.whole); }));
  CHECK(fails_with(Fault::model_file, "none.safetensors",
                   [&] { load_whole(files.checkpoint, files.folder / "none.safetensors"); }));
  SafeTensors newer = load_safetensors(files.checkpoint);
  newer.metadata["checkpoint.version"] = "3";
  CHECK(fails_with(Fault::model_file, "version '3'", [&] { read_checkpoint(newer, "newer"); }));
  CHECK_FALSE(is_checkpoint(load_safetensors(files.base)));

  const std::vector<std::byte> whole = read_file(files.checkpoint);
  const auto refused = [](std::span<const std::byte> bytes) {
    const auto error = error_of([&] { read_checkpoint(read_safetensors(bytes, "cut"), "cut"); });
    return error && error->fault() == Fault::model_file;
  };
  CHECK_FALSE(refused(whole));
  const std::size_t stride = 3;  // and so every kind of place
  for (std::size_t n = 0; n < whole.size(); n += stride) {
    const std::vector<std::byte> cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(n));
    if (!refused(cut)) FAIL("cut at ", n);
  }
  for (std::size_t i = 0; i < whole.size(); i += stride) {
    for (const int mask : {0x01, 0x80, 0xff}) {
      std::vector<std::byte> flipped = whole;
      flipped[i] ^= std::byte(mask);
      if (!refused(flipped)) FAIL("flipped at ", i);
    }
  }
}

TEST_CASE("another run than the one that was saved is refused, and says what differs") {
  Run saved({.policy = "gradual"});
  SafeTensors state;
  TrainHooks hooks;
  hooks.after_step = [&](Index, Index, double) { state = saved.state(); };
  saved.trainer->run(hooks);
  const auto refused = [&](const Setting& setting, const std::string& part) {
    Run other(setting);
    const bool fails = fails_with(Fault::usage, part,
                                  [&] { other.trainer->resume(StateReader(state, "f"), other.names()); });
    // Nothing is left of it: the run begins anew.
    return fails && other.trainer->run().epochs.size() == static_cast<std::size_t>(setting.epochs);
  };
  CHECK(refused({.policy = "gradual", .optimizer = "adam"}, "the optimizer sgd"));
  CHECK(refused({.policy = "gradual,divide=2"}, "the policy gradual"));
  CHECK(refused({.policy = "gradual", .epochs = 2}, "epochs: 3, this one has 2"));
  CHECK(refused({.policy = "gradual", .seed = 2}, "the seed 1, this one has 2"));
  Run model({.model = "mlp", .policy = "gradual"});
  CHECK_THROWS_AS(model.trainer->resume(StateReader(state, "f"), model.names()), Error);
}

TEST_CASE("values that cannot be a run's are refused, whichever they are") {
  const Setting setting{.policy = "egeria,every=2,window=1,checks=1,tolerance=1"};
  Run saved(setting);
  SafeTensors state;
  TrainHooks hooks;
  hooks.after_step = [&](Index, Index, double) {
    if (saved.trainer->steps() == 7) state = saved.state();
  };
  saved.trainer->run(hooks);
  const auto resumes = [&](const SafeTensors& changed) {
    Run run(setting);
    const auto error = error_of([&] { run.trainer->resume(StateReader(changed, "f"), {}); });
    if (error) CHECK((error->fault() == Fault::model_file || error->fault() == Fault::usage));
    return !error;
  };
  SafeTensors complete = state;  // with every weight, as no base is given
  for (const NamedParameter& p : saved.model->parameters()) {
    const std::string name = "weights." + p.name;
    if (std::none_of(state.tensors.begin(), state.tensors.end(),
                     [&](const auto& t) { return t.name == name; }))
      complete.tensors.push_back({name, p.parameter->to_file()});
  }
  REQUIRE(resumes(complete));
  for (const auto& entry : complete.metadata) {
    const std::string& key = entry.first;
    if (!key.starts_with("state.")) continue;
    CAPTURE(key);
    SafeTensors changed = complete;
    changed.metadata.erase(key);
    CHECK((!resumes(changed) || key.find(".steps") != std::string::npos));  // no state of that parameter
    for (const char* bad : {"", "x", "1e999", "1.5.5"}) {
      changed.metadata[key] = bad;
      CHECK_FALSE(resumes(changed));
    }
    for (const char* odd : {"-1", "1e9", "nan", "9223372036854775807", "1000000000000000"}) {
      changed.metadata[key] = odd;
      resumes(changed);  // some are numbers that may be; none may do harm
    }
  }
  for (std::size_t i = 0; i < complete.tensors.size(); ++i) {
    CAPTURE(complete.tensors[i].name);
    SafeTensors changed = complete;
    changed.tensors[i].tensor = Tensor(Shape{3}, DType::uint8);
    CHECK_FALSE(resumes(changed));
    changed.tensors[i].tensor = Tensor(Shape{2, 2});
    CHECK_FALSE(resumes(changed));
    changed.tensors.erase(changed.tensors.begin() + static_cast<std::ptrdiff_t>(i));
    const std::string& name = complete.tensors[i].name;
    CHECK((!resumes(changed) || name.starts_with("best.") || name.find(".sum") != std::string::npos ||
           name.find(".kept") != std::string::npos));
  }
}
