// Training from kept features: the same bits as without, bounded memory, a file that goes away.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "data/memory.h"
#include "data/source.h"
#include "data/subset.h"
#include "engine/base/parallel.h"
#include "engine/base/sha256.h"
#include "layers/dense.h"
#include "layers/dropout.h"
#include "layers/shaping.h"
#include "optim/policies/registry.h"
#include "optim/trainer/trainer.h"
#include "tests/errors.h"
#include "tests/folder.h"

using namespace firn;
using namespace firn::test;

namespace {

using Kind = CacheEvent::Kind;

const DataParts& digits() {
  static const DataParts whole = open_data("digits", {.split = {.validation = false}});
  static const DataParts parts{.train = subset_per_class(whole.train, 20, 1),
                               .test = subset_per_class(whole.test, 8, 1)};
  return parts;
}

struct Setting {
  std::string model = "cnn";
  std::string freeze = "head";
  CacheMode cache = CacheMode::on;
  Index memory = Index{1} << 30;
  std::string folder = {};
  bool half = false;
  Index epochs = 4;
  Index batch = 24;
  Index samples = 0;  ///< of an epoch; 0: all
  std::string policy = {};
  Augment augment = {};
  Index views = 0;
  bool batch_statistics = false;
  bool dropout_in_frozen = false;
  bool keep_last = true;
  DType precision = DType::number;  // of the frozen part
  DType all_precision = DType::number;
  std::function<void(Model&, Index epoch, Index step)> change =
      {};  ///< before an epoch (step 0), after a step
};

struct Result {
  std::string hash;
  std::optional<FeatureCache::Planned> planned;  ///< before the first step
  std::vector<double> losses, test_losses;
  std::vector<CacheEvent> events;
  bool operator==(const Result& other) const {
    return hash == other.hash && losses == other.losses && test_losses == other.test_losses;
  }
  Index count(Kind kind) const {
    return std::count_if(events.begin(), events.end(), [&](const CacheEvent& e) { return e.kind == kind; });
  }
  std::string text(Kind kind) const {
    for (const CacheEvent& e : events) {
      if (e.kind == kind) return e.text;
    }
    return {};
  }
};

Result train(ModelPtr model, const DataParts& data, const Setting& setting) {
  model->initialise(3);
  model->set_freeze(setting.freeze);
  const bool tokens = data.train->info().kind == DataKind::tokens;
  Loader train(data.train, {.batch = setting.batch,
                            .samples = setting.samples,
                            .keep_last = setting.keep_last,
                            .seed = 5,
                            .augment = setting.augment,
                            .views = setting.views});
  Loader test(data.test, {.batch = 32, .shuffle = false});
  CHECK(tokens == (model->input().vocabulary > 0));
  const auto optimizer = make_adam({.rate = 1e-2});
  TrainConfig config;
  config.epochs = setting.epochs;
  config.schedule = cosine_schedule();
  config.cache.mode = setting.cache;
  config.cache.memory = setting.memory;
  config.cache.folder = setting.folder;
  config.cache.type = setting.half ? DType::bf16 : DType::number;
  config.program.seed = 7;
  config.program.types.all = setting.all_precision;
  config.program.types.frozen = setting.precision;
  config.program.batch_statistics = setting.batch_statistics;
  config.program.dropout_in_frozen = setting.dropout_in_frozen;
  if (!setting.policy.empty()) config.policy = parse_policy(setting.policy);
  Result result;
  TrainHooks hooks;
  Index now = 0;
  hooks.before_epoch = [&](Index epoch) {
    now = epoch;
    if (setting.change) setting.change(*model, epoch, 0);
  };
  hooks.after_step = [&](Index step, Index, double loss) {
    result.losses.push_back(loss);
    if (setting.change) setting.change(*model, now, step);
  };
  hooks.after_epoch = [&](const EpochRecord& record) {
    result.test_losses.push_back(record.validation_loss);
  };
  hooks.on_cache = [&](const CacheEvent& event) { result.events.push_back(event); };
  Trainer trainer(*model, *optimizer, train, test, config);
  result.planned = trainer.features().planned(trainer.freeze_set());
  trainer.run(hooks);
  Sha256 hash;
  for (const NamedParameter& p : model->parameters())
    hash.update(std::as_bytes(p.parameter->value().values()));
  result.hash = hash.hex();
  return result;
}

Result train(const Setting& setting, const DataParts& data = digits()) {
  const ModelPtr model =
      find_model(setting.model).make({.sample = data.train->info().shape}, data.train->class_count());
  return train(model, data, setting);
}

/// The same setting without a cache.
Result plain(Setting setting) {
  setting.cache = CacheMode::off;
  return train(setting);
}

}  // namespace

TEST_CASE("the same bits with and without kept features, for every cut and any number of threads") {
  for (const std::string model : {"mlp", "cnn", "doodlenet", "vgg", "resnet20", "rowlstm"}) {
    for (const std::string freeze : {"head", "half", "1"}) {
      CAPTURE(model);
      CAPTURE(freeze);
      const Setting setting{.model = model, .freeze = freeze, .epochs = 2};
      set_thread_count(2);
      const Result without = plain(setting);
      for (const int threads : {1, 2, 3}) {
        set_thread_count(threads);
        const Result with = train(setting);
        CHECK(with == without);
        CHECK(with.count(Kind::begun) == 1);
        CHECK(with.count(Kind::kept) == 1);
        CHECK(with.count(Kind::dropped) == 0);
      }
    }
  }
  set_thread_count(2);
}

TEST_CASE("a frozen part in bf16: the same bits with and without kept features, and others than in fp32") {
  for (const std::string model : {"cnn", "resnet20"}) {
    for (const std::string freeze : {"head", "half"}) {
      CAPTURE(model);
      CAPTURE(freeze);
      Setting setting{.model = model, .freeze = freeze, .epochs = 2, .precision = DType::bf16};
      const Result without = plain(setting), with = train(setting);
      CHECK(with == without);
      CHECK(with.count(Kind::kept) == 1);
      setting.precision = DType::number;
      CHECK(!(plain(setting) == without));
    }
  }
  // What freezes during training is kept anew.
  Setting setting{.model = "resnet20", .freeze = "2", .epochs = 4, .precision = DType::bf16};
  setting.change = [](Model& model, Index epoch, Index step) {
    if (epoch == 2 && step == 0) model.set_freeze("5");
  };
  CHECK(train(setting) == plain(setting));
}

TEST_CASE("training in bf16: the same bits with and without kept features, near those of fp32") {
  for (const std::string model : {"cnn", "resnet20"}) {
    for (const std::string freeze : {"head", "half"}) {
      CAPTURE(model);
      CAPTURE(freeze);
      Setting setting{.model = model, .freeze = freeze, .epochs = 2};
      const Result in_fp32 = plain(setting);
      setting.all_precision = DType::bf16;
      const Result without = plain(setting), with = train(setting);
      CHECK(with == without);
      CHECK(!(in_fp32 == without));
      CHECK(without.losses.back() == doctest::Approx(in_fp32.losses.back()).epsilon(0.1));
      if (freeze == "head") CHECK(with.count(Kind::kept) == 1);
    }
  }
}

TEST_CASE("kept features are read, not computed") {
  const DataParts& data = digits();
  const ModelPtr model = find_model("cnn").make({.sample = data.train->info().shape}, 10);
  model->initialise(1);
  model->set_freeze("head");
  Loader train(data.train, {.batch = 50});
  Loader test(data.test, {.batch = 40, .shuffle = false});
  const auto optimizer = make_sgd({.rate = 0.01});
  Trainer trainer(*model, *optimizer, train, test, {.epochs = 3, .cache = {.mode = CacheMode::on}});
  Content before = Content::samples;
  std::vector<std::uint64_t> runs;
  TrainHooks hooks;
  hooks.after_epoch = [&](const EpochRecord& record) {
    const auto epoch = static_cast<std::uint64_t>(record.epoch);
    before = trainer.features().content(FeatureCache::Part::train, epoch);
    runs.push_back(
        trainer.programs().features(50, data.train->info().shape, trainer.features().cut()).counters().runs);
    CHECK(before == Content::labels);
    CHECK(trainer.features().content(FeatureCache::Part::validation) == Content::labels);
  };
  trainer.run(hooks);
  // 200 samples in four batches of 50, once.
  CHECK(runs == std::vector<std::uint64_t>{4, 4, 4});
}

TEST_CASE("features follow what is frozen: after a thaw, after a freeze, in the middle of an epoch") {
  struct Case {
    std::string what;
    std::function<void(Model&, Index, Index)> change;
    Index begun, grown, dropped;
  };
  const auto at = [](Index epoch, Index step, const char* freeze) {
    return [=](Model& model, Index e, Index s) {
      if (e == epoch && s == step) model.set_freeze(freeze);
    };
  };
  const Case cases[] = {
      {"thaw one block", at(3, 0, "2"), 2, 0, 1},     {"thaw all", at(3, 0, "none"), 1, 0, 1},
      {"thaw in an epoch", at(2, 3, "1"), 2, 0, 1},   {"freeze one more", at(3, 0, "3"), 1, 0, 0},
      {"freeze in an epoch", at(2, 3, "3"), 1, 0, 0},
  };
  for (const Case& c : cases) {
    CAPTURE(c.what);
    Setting setting{.freeze = "3", .epochs = 5, .change = c.change};
    const Result without = plain(setting);
    const Result with = train(setting);
    CHECK(with == without);
    CHECK(with.count(Kind::begun) == c.begun);
    CHECK(with.count(Kind::dropped) == c.dropped);
  }
  for (const Index step : {0, 3}) {
    Setting setting{.model = "doodlenet", .freeze = "2", .epochs = 5, .change = at(3, step, "head")};
    const Result with = train(setting);
    CHECK(with == plain(setting));
    CHECK(with.count(Kind::begun) == 1);
    CHECK(with.count(Kind::grown) == 1);
    CHECK(with.count(Kind::dropped) == 0);
  }
}

TEST_CASE("policies go with kept features") {
  for (const std::string policy : {"gradual", "fine-tune", "lp-ft", "freezeout", "autofreeze", "slimfit",
                                   "layerout", "first,k=2", "bn-only", "auto-rgn"}) {
    CAPTURE(policy);
    const Setting setting{.model = "vgg", .freeze = "none", .epochs = 4, .policy = policy};
    const Result with = train(setting), without = plain(setting);
    CHECK(with.losses == without.losses);
    CHECK(with.test_losses == without.test_losses);
    CHECK(with.hash == without.hash);
  }
}

TEST_CASE("changed bytes of the frozen part drop the features, a touch alone does not") {
  for (const bool change : {true, false}) {
    Setting setting{.epochs = 4};
    setting.change = [=](Model& model, Index epoch, Index step) {
      if (epoch != 3 || step != 2) return;
      const ParameterPtr first = model.parameters()[0].parameter;
      if (change) first->mutable_value().data()[0] += real(0.5);
      first->touch();
    };
    const Result with = train(setting);
    CHECK(with == plain(setting));
    CHECK(with.count(Kind::dropped) == (change ? 1 : 0));
    CHECK(with.count(Kind::begun) == 1);
  }
}

TEST_CASE("what cannot be kept is said with its reason, and trained all the same") {
  struct Case {
    Setting setting;
    std::string why;
  };
  const Case cases[] = {
      {{.freeze = "none"}, "nothing is frozen before"},
      {{.freeze = "3,1"}, "nothing is frozen before"},
      {{.augment = {.shift = 1}}, "augmentation changes the samples"},
      {{.samples = 48}, "an epoch holds a part of the samples"},
      {{.model = "vgg", .batch_statistics = true}, "batch's statistics"},
      {{.cache = CacheMode::automatic, .epochs = 1}, "no epoch is left"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.why);
    Setting setting = c.setting;
    setting.epochs = std::min<Index>(setting.epochs, 2);
    const Result with = train(setting);
    CHECK(with == plain(setting));
    CHECK_FALSE(with.planned);
    REQUIRE(with.events.size() == 1);
    CHECK(with.events[0].kind == Kind::refused);
    CHECK(with.events[0].text.find(c.why) != std::string::npos);
  }
}

TEST_CASE("dropout in the frozen part is off and features are kept, or on and they are not") {
  const DataParts& data = digits();
  const auto model = [&] {
    auto made = std::make_shared<Model>("small", InputSpec{.sample = data.train->info().shape}, 10);
    made->add_block("one",
                    {{"flatten", std::make_shared<Flatten>()}, {"fc1", make<Dense>({.in = 64, .out = 32})}});
    made->add_block("two", {{"drop", std::make_shared<Dropout>(real(0.5))},
                            {"fc2", make<Dense>({.in = 32, .out = 24})},
                            {"drop2", std::make_shared<Dropout>(real(0.5))}});
    made->add_block("three", {{"fc3", make<Dense>({.in = 24, .out = 10})}});
    return made;
  };
  for (const std::string freeze : {"head", "1"}) {
    for (const bool on : {false, true}) {
      Setting setting{.freeze = freeze, .dropout_in_frozen = on};
      const Result with = train(model(), data, setting);
      CHECK(with.count(Kind::begun) == (on ? 0 : 1));
      CHECK(with.text(Kind::refused) == (on ? "features are not kept: dropout acts in the frozen part" : ""));
      setting.cache = CacheMode::off;
      CHECK(with == train(model(), data, setting));
    }
  }
}

TEST_CASE("views: as many features a sample, taken in turn") {
  Setting setting{.epochs = 6, .augment = {.flip = true, .shift = 1}, .views = 2};
  const Result with = train(setting);
  CHECK(with == plain(setting));
  CHECK(with.count(Kind::begun) == 1);
  CHECK(with.text(Kind::begun).find("2 views") != std::string::npos);
  REQUIRE(with.planned);
  CHECK(with.planned->epochs == 2);
  Setting fresh = setting;
  fresh.views = 0;
  CHECK(!(plain(fresh) == with));  // other images from the third epoch on
}

TEST_CASE("a last batch that is left out leaves no hole") {
  const Setting setting{.batch = 33, .keep_last = false};
  CHECK(train(setting) == plain(setting));
}

TEST_CASE("memory has a limit, beyond it there is a file, and no file is left") {
  const Folder folder;
  const auto files = [&] { return folder.names().size(); };
  Setting setting{.memory = 1000, .folder = folder.path()};
  setting.change = [&](Model&, Index, Index) { CHECK(files() == 0); };
  const Result on_disk = train(setting);
  CHECK(on_disk == plain(setting));
  CHECK(on_disk.events[0].on_disk);
  CHECK(on_disk.events[0].bytes == (200 + digits().test->size()) * 128 * static_cast<Index>(sizeof(real)));
  CHECK(files() == 0);

  setting.memory = on_disk.events[0].bytes;
  CHECK(!train(setting).events[0].on_disk);
  setting.cache = CacheMode::disk;
  CHECK(train(setting).events[0].on_disk);
  setting.cache = CacheMode::ram;
  CHECK(!train(setting).events[0].on_disk);
  setting.memory -= 1;
  CHECK(fails_with(Fault::usage, "the limit is", [&] { train(setting); }));

  setting.cache = CacheMode::disk;
  setting.folder = folder.path() + "/missing";
  CHECK(fails_with(Fault::failure, "missing", [&] { train(setting); }));
  // Without insisting the run goes on.
  setting.cache = CacheMode::automatic;
  setting.memory = 1000;
  const Result without = train(setting);
  CHECK(without.count(Kind::refused) == 1);
  CHECK(without == plain(setting));
}

TEST_CASE("space that is not there is an error before anything is written") {
  const Folder folder;
  FeatureStoreOptions options{
      .rows = Index{1} << 40, .width = 1 << 12, .on_disk = true, .folder = folder.path()};
  CHECK(fails_with(Fault::failure, "features cannot be had", [&] { FeatureStore store(options); }));
  options.rows = std::numeric_limits<Index>::max();
  CHECK(fails_with(Fault::failure, "features cannot be had", [&] { FeatureStore store(options); }));
  CHECK(folder.names().empty());
}

TEST_CASE("bf16 rows are rounded to the nearest, half the bytes") {
  FeatureStore store({.rows = 3, .width = 4, .type = DType::bf16});
  CHECK(store.bytes() == 24);
  const float infinity = std::numeric_limits<float>::infinity();
  const real row[] = {real(1.00390625), real(1.01171875), real(-0.0), static_cast<real>(infinity)};
  CHECK(!store.has(1));
  store.put(1, row);
  CHECK(store.has(1));
  CHECK(!store.has(0));
  CHECK(store.written() == 1);
  real back[4];
  store.get(1, back);
  // 1 + 1/256 and 1 + 3/256 lie between two numbers of seven bits: the even ones are 1 and 1 + 1/64.
  CHECK(back[0] == real(1));
  CHECK(back[1] == real(1.015625));
  CHECK((back[2] == 0 && std::signbit(back[2])));
  CHECK(back[3] == static_cast<real>(infinity));
  const real nan[] = {std::numeric_limits<real>::quiet_NaN(), 0, 0, 0};
  store.put(2, nan);
  store.get(2, back);
  CHECK(back[0] != back[0]);

  Setting setting{.epochs = 3};
  setting.half = true;
  const Result half = train(setting);
  const Result whole = plain(setting);
  CHECK(half.losses != whole.losses);
  CHECK(half.losses.back() == doctest::Approx(whole.losses.back()).epsilon(0.02));
}

TEST_CASE("automatic: both times are measured, and the decision names them") {
  Setting setting{.model = "vgg", .cache = CacheMode::automatic, .epochs = 3};
  const Result with = train(setting);
  CHECK(with == plain(setting));
  REQUIRE(with.count(Kind::kept) == 1);
  const CacheEvent& kept = with.events.back();
  CHECK(kept.compute_seconds > kept.read_seconds);
  CHECK(kept.read_seconds > 0);
  CHECK(kept.text.find("us to read") != std::string::npos);
}

namespace {

/// Of files that are mapped, in MiB.
double resident_of_files() {
  std::ifstream status("/proc/self/status");
  double sum = 0;
  for (std::string word; status >> word;) {
    if (word != "RssFile:" && word != "RssShmem:") continue;
    double kib = 0;
    status >> kib;
    sum += kib / 1024;
  }
  return sum;
}

}  // namespace

TEST_CASE("of a file of features no more is resident than was asked for, and nothing of it is lost") {
  constexpr Index kRows = 64, kWidth = 1 << 18;  // a MiB each, of floats
  const double before = resident_of_files();
  double most = 0;
  FeatureStore store({.rows = kRows, .width = kWidth, .on_disk = true, .resident = Index{8} << 20});
  std::vector<real> row(kWidth);
  for (Index i = 0; i < kRows; ++i) {
    std::fill(row.begin(), row.end(), static_cast<real>(i + 1));
    store.put(i, row.data());
    most = std::max(most, resident_of_files());
  }
  for (Index i = kRows - 1; i >= 0; i -= 3) {
    store.get(i, row.data());
    CHECK(row.front() == static_cast<real>(i + 1));
    CHECK(row.back() == static_cast<real>(i + 1));
    most = std::max(most, resident_of_files());
  }
  CHECK(most - before < 2.5 * 8);
}
