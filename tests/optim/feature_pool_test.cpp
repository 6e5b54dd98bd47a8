// Features that trainings share: each computed once, in bounded memory, and no bit of a training changes.
#include "optim/trainer/feature_pool.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <set>
#include <stdexcept>
#include <thread>

#include "data/source.h"
#include "data/subset.h"
#include "engine/base/rng.h"
#include "engine/base/sha256.h"
#include "layers/model.h"
#include "optim/trainer/trainer.h"

using namespace firn;

namespace {

const DataParts& digits() {
  static const DataParts parts = [] {
    const DataParts all = open_data("digits", {.split = {.validation = false}});
    return DataParts{.train = all.train, .test = subset_per_class(all.test, 6, 1)};
  }();
  return parts;
}

std::vector<SampleOrigin> origins_of(const Dataset& data) {
  std::vector<SampleOrigin> all;
  for (Index i = 0; i < data.size(); ++i) all.push_back(data.origin(i));
  return all;
}

/// Asks for all of `data`, with the index in its set as the only number.
std::vector<const real*> ask(FeaturePool& pool, const FeaturePool::FeaturesPtr& features, const Dataset& data,
                             std::size_t together = 7) {
  const std::vector<SampleOrigin> all = origins_of(data);
  REQUIRE(pool.reserve(*features, all));
  std::vector<const real*> to(all.size());
  const auto compute = [&](std::span<const std::size_t> positions, real* out) {
    CHECK(positions.size() <= together);
    for (std::size_t i = 0; i < positions.size(); ++i) out[i] = static_cast<real>(all[positions[i]].index);
  };
  pool.get(*features, all, together, compute, to);
  return to;
}

struct Setting {
  std::string freeze = "2";
  std::uint64_t weights = 3, order = 5;
  Index batch = 24, samples = 0, epochs = 3;
  Augment augment = {};
  bool batch_statistics = false;
  std::string model = "cnn";
  CacheMode mode = CacheMode::on;
};

struct Result {
  std::string hash;
  std::vector<double> losses;
  double validation = 0;
  std::vector<CacheEvent> events;
  bool operator==(const Result& other) const {
    return hash == other.hash && losses == other.losses && validation == other.validation;
  }
  bool told(CacheEvent::Kind kind, const std::string& text) const {
    return std::any_of(events.begin(), events.end(), [&](const CacheEvent& e) {
      return e.kind == kind && e.text.find(text) != std::string::npos;
    });
  }
};

Result train(const DatasetPtr& data, const Setting& setting, FeaturePool* pool) {
  const ModelPtr model = find_model(setting.model).make({.sample = data->info().shape}, data->class_count());
  model->initialise(setting.weights);
  model->set_freeze(setting.freeze);
  Loader train(data, {.batch = setting.batch,
                      .samples = setting.samples,
                      .seed = setting.order,
                      .augment = setting.augment});
  Loader test(digits().test, {.batch = 32, .shuffle = false});
  const auto optimizer = make_adam({.rate = 1e-2});
  TrainConfig config;
  config.epochs = setting.epochs;
  config.program.seed = 7;
  config.program.batch_statistics = setting.batch_statistics;
  config.cache = {.mode = pool != nullptr ? setting.mode : CacheMode::off, .pool = pool};
  Result result;
  TrainHooks hooks;
  hooks.after_step = [&](Index, Index, double loss) { result.losses.push_back(loss); };
  hooks.on_cache = [&](const CacheEvent& event) { result.events.push_back(event); };
  Trainer trainer(*model, *optimizer, train, test, config);
  const History history = trainer.run(hooks);
  result.validation = history.epochs.back().validation_loss;
  Sha256 hash;
  for (const NamedParameter& p : model->parameters())
    hash.update(std::as_bytes(p.parameter->value().values()));
  result.hash = hash.hex();
  return result;
}

Index size_of_union(const Dataset& a, const Dataset& b) {
  std::set<Index> all;
  for (const Dataset* data : {&a, &b}) {
    for (Index i = 0; i < data->size(); ++i) all.insert(data->origin(i).index);
  }
  return static_cast<Index>(all.size());
}

}  // namespace

TEST_CASE("a sample is computed once, whatever view it is asked for in") {
  FeaturePool pool(1 << 20);
  const DatasetPtr few = subset_per_class(digits().train, 3, 1),
                   more = subset_per_class(digits().train, 5, 1),
                   other = subset_per_class(digits().train, 4, 2);
  const auto features = pool.open("a", 1);
  ask(pool, features, *few);
  CHECK(pool.computed() == 30);
  ask(pool, features, *few);
  CHECK(pool.computed() == 30);
  const std::vector<const real*> places = ask(pool, features, *more);  // holds the few
  CHECK(pool.computed() == 50);
  for (Index i = 0; i < more->size(); ++i)
    CHECK(*places[static_cast<std::size_t>(i)] == static_cast<real>(more->origin(i).index));
  ask(pool, features, *other);
  CHECK(pool.computed() == size_of_union(*more, *other));
  ask(pool, features, *digits().test);  // of the same set, but none of these samples
  CHECK(pool.computed() == size_of_union(*more, *other) + digits().test->size());
  ask(pool, pool.open("b", 1), *few);
  CHECK(pool.computed() == size_of_union(*more, *other) + digits().test->size() + 30);
  CHECK(pool.bytes() == pool.computed() * Index{sizeof(real)});
}

TEST_CASE("memory is bounded: keys go as a whole, those first that were not asked for longest") {
  const DatasetPtr ten = subset_per_class(digits().train, 1, 1);
  FeaturePool pool(3 * 10 * Index{sizeof(real)});
  for (const char* key : {"a", "b", "c"}) ask(pool, pool.open(key, 1), *ten);
  CHECK(pool.keys() == 3);
  pool.open("a", 1);
  ask(pool, pool.open("d", 1), *ten);  // b goes
  CHECK(pool.bytes() == 3 * 10 * Index{sizeof(real)});
  const Index before = pool.computed();
  ask(pool, pool.open("a", 1), *ten);
  ask(pool, pool.open("c", 1), *ten);
  CHECK(pool.computed() == before);
  ask(pool, pool.open("b", 1), *ten);
  CHECK(pool.computed() == before + 10);
  // What is in use stays, and what is too much is refused without letting anything go.
  const auto a = pool.open("a", 1), b = pool.open("b", 1);
  const auto wide = pool.open("wide", 2);
  CHECK_FALSE(pool.reserve(*wide, origins_of(*ten)));
  CHECK(pool.bytes() == 3 * 10 * Index{sizeof(real)});
  ask(pool, a, *ten);
  ask(pool, b, *ten);
  CHECK(pool.computed() == before + 10);
}

TEST_CASE("several threads compute each sample once; what one fails at another computes") {
  const DatasetPtr data = subset_per_class(digits().train, 40, 1);
  const std::vector<SampleOrigin> all = origins_of(*data);
  FeaturePool pool(1 << 20);
  const auto features = pool.open("a", 1);
  REQUIRE(pool.reserve(*features, all));
  std::atomic<int> failures = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      std::vector<const real*> to(all.size());
      bool failed = false;
      const auto compute = [&](std::span<const std::size_t> positions, real* out) {
        if (t == 0 && !std::exchange(failed, true)) throw std::runtime_error("no");
        for (std::size_t i = 0; i < positions.size(); ++i)
          out[i] = static_cast<real>(all[positions[i]].index);
      };
      try {
        pool.get(*features, all, 8, compute, to);
      } catch (const std::runtime_error&) {
        ++failures;
        pool.get(*features, all, 8, compute, to);
      }
      for (std::size_t i = 0; i < all.size(); ++i) {
        if (*to[i] != static_cast<real>(all[i].index)) failures += 100;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(failures <= 1);
  CHECK(pool.computed() == data->size());
}

TEST_CASE("trainings from one frozen prefix compute its features once, and come to the same bits") {
  const DatasetPtr few = subset_per_class(digits().train, 8, 1),
                   more = subset_per_class(digits().train, 12, 1);
  FeaturePool pool(Index{1} << 28);
  Setting setting;
  CHECK(train(few, setting, &pool) == train(few, setting, nullptr));
  CHECK(pool.computed() == 80 + 60);
  CHECK(pool.keys() == 1);
  setting.order = 6;
  CHECK(train(few, setting, &pool) == train(few, setting, nullptr));
  CHECK(pool.computed() == 80 + 60);
  setting.batch = 16;
  CHECK(train(more, setting, &pool) == train(more, setting, nullptr));
  CHECK(pool.computed() == 120 + 60);
  setting.epochs = 1;  // others may read what the only epoch computes
  CHECK(train(more, setting, &pool) == train(more, setting, nullptr));
  CHECK(pool.computed() == 120 + 60);
  SUBCASE("other weights, another cut") {
    setting.weights = 4;
    CHECK(train(few, setting, &pool) == train(few, setting, nullptr));
    CHECK(pool.computed() == 120 + 60 + 80 + 60);
    setting.freeze = "1";
    CHECK(train(few, setting, &pool) == train(few, setting, nullptr));
    CHECK(pool.keys() == 3);
  }
  SUBCASE("epochs that hold a part of the samples compute these alone") {
    const DatasetPtr many = subset_per_class(digits().train, 30, 1);
    setting.epochs = 3;
    setting.samples = 40;
    Setting fresh = setting;
    fresh.weights = 9;
    CHECK(train(many, fresh, &pool) == train(many, fresh, nullptr));
    CHECK(pool.computed() == 120 + 60 + 3 * 40 + 60);
  }
}

TEST_CASE("what cannot be kept is not shared, and why is said") {
  const DatasetPtr few = subset_per_class(digits().train, 8, 1);
  FeaturePool pool(Index{1} << 28);
  Setting setting;
  setting.augment.shift = 1;
  const Result changed = train(few, setting, &pool);
  CHECK(changed.told(CacheEvent::Kind::refused, "augmentation changes the samples"));
  CHECK(changed == train(few, setting, nullptr));
  setting = {};
  setting.model = "bncnn";
  setting.batch_statistics = true;
  CHECK(train(few, setting, &pool).told(CacheEvent::Kind::refused, "the batch's statistics"));
  setting = {};
  setting.freeze = "none";
  CHECK(train(few, setting, &pool).told(CacheEvent::Kind::refused, "nothing is frozen"));
  CHECK(pool.computed() == 0);
}

TEST_CASE("without room in the pool features are kept as without one") {
  const DatasetPtr few = subset_per_class(digits().train, 8, 1);
  FeaturePool pool(1000);
  const Result kept = train(few, {}, &pool);
  CHECK(kept == train(few, {}, nullptr));
  CHECK(pool.computed() == 0);
  CHECK(kept.told(CacheEvent::Kind::begun, "are kept in the first epoch"));
  Setting parts;
  parts.samples = 40;
  CHECK(train(few, parts, &pool).told(CacheEvent::Kind::refused, "a part of the samples"));
}

TEST_CASE("features do not depend on the batch that they are computed in") {
  for (const ModelEntry& entry : model_registry()) {
    if (entry.default_input.vocabulary > 0) continue;
    CAPTURE(entry.name);
    const bool pictures = entry.default_input.sample.rank() == 3;
    const InputSpec input{.sample = pictures && entry.default_input.sample[0] > 64
                                        ? Shape{64, 64, entry.default_input.sample[2]}
                                        : entry.default_input.sample,
                          .lengths = entry.default_input.lengths};
    const ModelPtr model = entry.make(input, 10);
    model->initialise(1);
    ProgramCache programs(*model, {});
    const CutPoint cut = model->cut_point_at(model->children().size() - 1, input.sample);
    constexpr Index kMost = 33;
    std::vector<real> numbers(static_cast<std::size_t>(kMost * input.sample.count()));
    Random random(2, "samples");
    for (real& x : numbers) x = static_cast<real>(random.normal());
    const auto features = [&](Index first, Index count) {
      std::vector<Index> sizes{count};
      sizes.insert(sizes.end(), input.sample.sizes().begin(), input.sample.sizes().end());
      Tensor x{Shape(std::span<const Index>(sizes))};
      std::copy_n(numbers.begin() + first * input.sample.count(), x.count(), x.data());
      Program& program = programs.features(count, input.sample, cut);
      program.feed("x", x);
      Tensor lengths(Shape{count}, DType::int32);
      if (input.lengths) {
        std::fill_n(lengths.indices(), count, static_cast<std::int32_t>(input.sample[0]));
        program.feed("lengths", lengths);
      }
      program.run();
      const real* y = program.output_data("features");
      return std::vector<real>(y, y + count * cut.features.count());
    };
    const std::vector<real> all = features(0, kMost);
    for (const auto& [first, count] : {std::pair<Index, Index>{0, 1}, {3, 7}, {10, 16}}) {
      const std::vector<real> some = features(first, count);
      CHECK(std::equal(some.begin(), some.end(), all.begin() + first * cut.features.count()));
    }
  }
}
