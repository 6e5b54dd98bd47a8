// Runs whose work several ranks share: the bits of one process, whatever is trained, frozen, kept or decided.
#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <set>
#include <thread>

#include "data/memory.h"
#include "data/source.h"
#include "data/subset.h"
#include "engine/base/parallel.h"
#include "engine/base/rng.h"
#include "engine/base/sha256.h"
#include "engine/base/thread_ranks.h"
#include "engine/program/rank_time.h"
#include "layers/network/network.h"
#include "optim/policies/registry.h"
#include "optim/trainer/trainer.h"
#include "tests/errors.h"

using namespace firn;
using namespace firn::test;

namespace {

struct Setting {
  std::string model = "cnn";
  std::string freeze = "none";
  std::string policy = "none";
  double clip = 0;
  CacheMode cache = CacheMode::off;
  bool standardised = false;
  Index shift = 0;
  Index batch = 64;
  Index samples = 160;  // so that the last batch is another one
  Index epochs = 2;
  Index threads = 1;
  bool exact = true;
  DType precision = DType::number;  ///< of what is frozen
};

DatasetPtr pictures(Index count) {
  static const DataParts parts = open_data("digits", {.split = {.validation = false}});
  std::vector<Index> some(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < some.size(); ++i) some[i] = static_cast<Index>(i);
  return subset(parts.train, some);
}

/// Of different lengths, two classes by what a text has most of.
DatasetPtr texts(Index count) {
  Random random(5, "texts");
  DataInfo info;
  info.name = "texts";
  info.kind = DataKind::tokens;
  info.classes = {"few", "many"};
  for (char c = 'a'; c < 'm'; ++c) info.vocabulary.push_back(std::string(1, c));
  std::vector<std::int32_t> tokens, labels;
  std::vector<Index> starts{0};
  for (Index i = 0; i < count; ++i) {
    const std::uint32_t length = 3 + random.below(9);
    labels.push_back(static_cast<std::int32_t>(i % 2));
    for (std::uint32_t t = 0; t < length; ++t)
      tokens.push_back(static_cast<std::int32_t>(random.below(6) + (i % 2 == 1 && t % 2 == 0 ? 6 : 0)));
    starts.push_back(static_cast<Index>(tokens.size()));
  }
  return make_tokens(info, tokens, starts, labels);
}

struct Result {
  std::string hash;
  double loss = 0, validation_loss = 0, norm = 0;
  std::uint64_t sent = 0;
  friend bool operator==(const Result& a, const Result& b) {
    return a.hash == b.hash && a.loss == b.loss && a.validation_loss == b.validation_loss && a.norm == b.norm;
  }
};

/// One rank's run; null: alone.
Result train(const Setting& setting, const DatasetPtr& data, Communicator* ranks,
             std::vector<std::pair<std::string, TrainerExtension*>> extensions = {}) {
  const InputSpec input{.sample = data->info().shape,
                        .vocabulary = static_cast<Index>(data->info().vocabulary.size()),
                        .lengths = data->info().kind == DataKind::tokens};
  const bool own = setting.model.find(',') != std::string::npos;
  const ModelPtr model = own ? make_builtin("own", setting.model, input, data->class_count())
                             : find_model(setting.model).make(input, data->class_count());
  model->initialise(3);
  model->set_freeze(setting.freeze);
  const auto optimizer = make_adam({.rate = 2e-3, .decay = 1e-3, .decoupled = true});
  LoaderOptions options{.batch = setting.batch, .seed = 3, .background = false};
  options.augment.shift = setting.shift;
  Loader train(data, options);
  Loader validation(data, {.batch = 48, .shuffle = false, .background = false});
  TrainConfig config;
  config.epochs = setting.epochs;
  config.clip_norm = setting.clip;
  config.restore_best = true;
  config.cache.mode = setting.cache;
  config.head.standardised = setting.standardised;
  if (setting.policy != "none") config.policy = parse_policy(setting.policy);
  config.program.seed = 3;
  config.program.exact = setting.exact;
  config.program.types.frozen = setting.precision;
  config.program.ranks = ranks;
  config.extensions = std::move(extensions);
  Trainer trainer(*model, *optimizer, train, validation, config);
  const History history = trainer.run();
  Sha256 hash;
  for (const NamedParameter& p : model->parameters())
    hash.update(std::as_bytes(p.parameter->value().values()));
  return {hash.hex(), history.epochs.back().loss, history.epochs.back().validation_loss,
          history.epochs.back().gradient_norm, ranks != nullptr ? ranks->bytes_sent() : 0};
}

/// What each rank ends with.
std::vector<Result> share(const Setting& setting, const DatasetPtr& data, int count) {
  ThreadRanks ranks(count);
  std::vector<Result> results(static_cast<std::size_t>(count));
  std::vector<std::thread> threads;
  for (int rank = 0; rank < count; ++rank) {
    threads.emplace_back([&, rank] {
      try {
        results[static_cast<std::size_t>(rank)] = train(setting, data, &ranks.of(rank));
      } catch (const std::exception& error) {
        results[static_cast<std::size_t>(rank)].hash = error.what();
        ranks.end(rank, error.what());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  return results;
}

void check_all(const Setting& setting, const DatasetPtr& data, int most = 4) {
  CAPTURE(setting.model);
  CAPTURE(setting.policy);
  CAPTURE(setting.freeze);
  set_thread_count(1);
  const Result alone = train(setting, data, nullptr);
  set_thread_count(static_cast<int>(setting.threads));
  for (int ranks = 1; ranks <= most; ++ranks) {
    CAPTURE(ranks);
    const std::vector<Result> all = share(setting, data, ranks);
    for (const Result& one : all) {
      CAPTURE(one.hash);
      CHECK(one == alone);
      CHECK((one.sent > 0) == (ranks > 1));
    }
  }
  set_thread_count(1);
}

}  // namespace

TEST_CASE("networks that train: the weights of one process") {
  check_all({.model = "cnn", .clip = 0.5, .shift = 2, .threads = 3}, pictures(160));
  check_all({.model = "mlp"}, pictures(160));
  check_all({.model = "flatten, dense 700, relu, dense 300, norm, relu, dropout 0.3, dense", .batch = 16},
            pictures(80));
  // A head whose gradient is smaller than what it is made of; more ranks than slices, and than pieces.
  check_all({.model = "conv 8 3x3, relu, dropout 0.2, dense", .clip = 0.5, .batch = 64, .threads = 2},
            pictures(160));
  check_all({.model = "conv 8 3x3, relu, dense", .batch = 5, .samples = 13, .epochs = 1}, pictures(13), 10);
}

TEST_CASE("text with dropout, and policies that freeze by what all samples say") {
  check_all({.model = "textlstm", .policy = "lisa,every=2,blocks=1", .batch = 24}, texts(60));
  check_all(
      {.model =
           "[embedding] embedding: embedding 20, dropout 0.4\n[lstm] lstm: lstm 12\n[fc] last, dropout 0.5, "
           "fc: dense",
       .policy = "gradual",
       .clip = 0.3,
       .batch = 24},
      texts(60));
  for (const char* policy : {"apf,every=2", "slimfit", "egeria", "autofreeze,every=2"}) {
    CAPTURE(policy);
    check_all({.model = "cnn", .policy = policy, .batch = 32}, pictures(128), 3);
  }
}

TEST_CASE("a head on features that are kept, standardised or not, and what is frozen sends nothing") {
  for (const bool standardised : {false, true}) {
    check_all({.model = "resnet20",
               .freeze = "head",
               .cache = CacheMode::on,
               .standardised = standardised,
               .epochs = 3},
              pictures(96));
  }
  const auto bytes = [&](const char* freeze, CacheMode cache) {
    const auto all = share({.model = "resnet20", .freeze = freeze, .cache = cache, .batch = 32, .epochs = 3},
                           pictures(64), 2);
    return static_cast<double>(all[0].sent);
  };
  const double full = bytes("none", CacheMode::off), half = bytes("half", CacheMode::off);
  CHECK(half < 0.9 * full);
  CHECK(bytes("head", CacheMode::on) < 0.1 * half);
}

TEST_CASE("batch norm") {
  check_all({.model = "resnet20", .clip = 1, .samples = 80, .epochs = 1, .threads = 2}, pictures(80));
  check_all({.model = "resnet20", .freeze = "half", .epochs = 1, .exact = false}, pictures(80), 3);
  check_all({.model = "resnet20", .freeze = "half", .epochs = 1, .exact = false, .precision = DType::bf16},
            pictures(80), 3);
}

TEST_CASE("what is drawn depends on the seed, so equal hashes are no accident") {
  CHECK(!(train({.model = "mlp", .epochs = 1}, pictures(96), nullptr) ==
          train({.model = "mlp", .batch = 32, .epochs = 1}, pictures(96), nullptr)));
}

TEST_CASE("a rank that fails ends the others, by name") {
  struct Failing : TrainerExtension {
    void after_update(StepMoment& now) override {
      if (now.number == 2) throw Error(Fault::failure, "test", "no more");
    }
  } failing;
  ThreadRanks ranks(3);
  std::vector<std::string> said(3);
  std::vector<std::thread> threads;
  for (int rank = 0; rank < 3; ++rank) {
    threads.emplace_back([&, rank] {
      try {
        std::vector<std::pair<std::string, TrainerExtension*>> extensions;
        if (rank == 1) extensions.push_back({"failing", &failing});
        train({}, pictures(160), &ranks.of(rank), extensions);
      } catch (const std::exception& error) {
        said[static_cast<std::size_t>(rank)] = error.what();
        ranks.end(rank, error.what());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(said[1] == "[test] no more");
  for (const int rank : {0, 2})
    CHECK(said[static_cast<std::size_t>(rank)].find("rank 1 of 3 has ended") != std::string::npos);
}

TEST_CASE("a rank has its own rows of a training step's answers, and says so") {
  ThreadRanks ranks(2);
  const ModelPtr model = make_builtin("small", "dense 8, relu, dense", {Shape{4}}, 3);
  model->initialise(1);
  ProgramSettings settings;
  settings.ranks = &ranks.of(0);
  ProgramCache programs(*model, settings);
  Program& program = programs.training(32, Shape{4});
  CHECK(
      fails_with(Fault::usage, "each of the ranks has its own rows", [&] { program.output_data("logits"); }));
  CHECK(!program.traffic(2).empty());
  CHECK(program.traffic(1).front().bytes == 0);
}

TEST_CASE("sums that nobody waits for go on their way while a step is computed") {
  const ModelPtr model =
      make_builtin("small", "conv 4 3x3, norm, relu, conv 8 3x3, norm, relu, dense", {Shape{8, 8, 1}}, 3);
  model->initialise(1);
  ThreadRanks ranks(2);
  ProgramSettings settings;
  settings.ranks = &ranks.of(0);
  ProgramCache programs(*model, settings);
  Program& program = programs.training(32, Shape{8, 8, 1});
  const std::size_t groups = program.plan().groups.size();
  std::size_t meanwhile = 0, early = 0, waited = 0;
  for (const RankTraffic& item : program.traffic(2)) {
    meanwhile += item.meanwhile ? 1 : 0;
    early += item.meanwhile && item.group + 2 < groups ? 1 : 0;
    waited += item.meanwhile ? 0 : 1;
    if (item.meanwhile) CHECK(item.way == RankWay::sums);
  }
  CHECK(meanwhile >= 3);  // weights of two convolutions and the dense layer
  CHECK(early >= 2);      // of which two begin long before the end
  CHECK(waited >= 4);     // moments and gradient sums of both norms
}

TEST_CASE("of a large layer the rows go around, or its gradient's pieces where these take fewer bytes") {
  const auto sent = [](const std::string& network, int ranks) {
    const ModelPtr model = make_builtin("small", network, {Shape{8, 8, 1}}, 10);
    model->initialise(1);
    ThreadRanks members(ranks);
    ProgramSettings settings;
    settings.ranks = &members.of(0);
    ProgramCache programs(*model, settings);
    std::map<RankWay, Index> bytes;
    for (const RankTraffic& item : programs.training(64, Shape{8, 8, 1}).traffic(ranks))
      bytes[item.way] += item.bytes;
    return bytes;
  };
  // 64 rows of 512 numbers, a weight of 512 x 10: half of each row goes to the other rank, and half of the
  // gradient; of 4 ranks each has the columns for two of eight pieces.
  constexpr Index kRows = 64 * 512 * sizeof(real), kWeight = 512 * 10 * sizeof(real);
  for (const int ranks : {2, 4}) {
    CAPTURE(ranks);
    auto narrow = sent("conv 8 3x3, relu, dense", ranks);
    CHECK(narrow[RankWay::columns] == kRows / ranks * (ranks - 1));
    CHECK(narrow[RankWay::pieces] == kWeight * (ranks - 1));
    auto wide = sent("conv 8 3x3, relu, dense 400, relu, dense", ranks);
    CHECK(wide[RankWay::columns] < kRows);
    CHECK(wide[RankWay::rows] >= kRows * (ranks - 1));
  }
}

TEST_CASE("messages go by different ways without waiting for each other, in order by each") {
  ThreadRanks ranks(2);
  const auto bytes = [](int& value) { return std::as_writable_bytes(std::span(&value, 1)); };
  Communicator &a = ranks.of(0), &b = ranks.of(1);
  int first = 0, second = 0, other = 0;
  const int one = b.start_receive(0, bytes(first), 1), two = b.start_receive(0, bytes(second), 1);
  const int three = b.start_receive(0, bytes(other), 2);
  CHECK(!b.done(two));
  int five = 5, six = 6, seven = 7;
  CHECK(a.done(a.start_send(1, bytes(seven), 2)));
  CHECK(b.done(three));
  CHECK(other == 7);
  CHECK(!b.done(one));
  CHECK(a.done(a.start_send(1, bytes(five), 1)));
  CHECK(!b.done(two));
  CHECK(a.done(a.start_send(1, bytes(six), 1)));
  CHECK(b.done(two));
  CHECK(b.done(one));
  CHECK((first == 5 && second == 6));
  CHECK(b.done(b.start_receive(0, {}, 1)));
  CHECK(a.bytes_sent() == 3 * sizeof(int));
  ranks.end(0, "enough");
  const int never = b.start_receive(0, bytes(first), 1);
  CHECK(fails_with(Fault::failure, "rank 0 of 2 has ended: enough", [&] { b.done(never); }));
}

TEST_CASE("a line's delay is waited for where it cannot be hidden, and slices' work is shared") {
  const ModelPtr model =
      make_builtin("small", "conv 4 3x3, norm, relu, conv 8 3x3, norm, relu, dense", {Shape{8, 8, 1}}, 3);
  model->initialise(1);
  ProgramCache programs(*model, {});
  const Program& program = programs.training(32, Shape{8, 8, 1});
  Forecast forecast;
  forecast.steps.assign(program.plan().steps.size(), 1e-3);  // of each step
  const RankSeconds one = predict_ranks(program, forecast, 1, {1e-3, 1e6});
  CHECK(one.all == doctest::Approx(1e-3 * static_cast<double>(program.plan().steps.size())));
  CHECK(one.handing() == 0);
  const RankSeconds free = predict_ranks(program, forecast, 4, {0, 1e15});
  CHECK(free.computing < 0.6 * one.all);
  CHECK(free.handing() < 1e-6);
  std::size_t points = 0;  // where a step waits for others
  std::set<std::size_t> groups;
  for (const RankTraffic& item : program.traffic(4)) {
    if (!item.meanwhile) groups.insert(item.group);
  }
  points = groups.size();
  const RankSeconds far = predict_ranks(program, forecast, 4, {1e-3, 1e15});
  CHECK(far.computing == doctest::Approx(free.computing));
  CHECK(far.handing() >= 0.999e-3 * static_cast<double>(points));
  CHECK(far.handing() <=
        1e-3 * static_cast<double>(points + 6) + 1e-9);  // and what of the last sum is not hidden
  CHECK(predict_ranks(program, forecast, 4, {0, 1e5}).handing() > 1e-2);
}

TEST_CASE("what communicators give") {
  ThreadRanks ranks(3);
  std::vector<std::thread> threads;
  std::vector<int> most(3);
  std::vector<std::string> texts(3);
  for (int rank = 0; rank < 3; ++rank) {
    threads.emplace_back([&, rank] {
      most[static_cast<std::size_t>(rank)] = ranks.of(rank).greatest(rank == 1 ? 7 : rank);
      texts[static_cast<std::size_t>(rank)] = ranks.of(rank).from_first(rank == 0 ? "first" : "own");
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(most == std::vector<int>{7, 7, 7});
  CHECK(texts == std::vector<std::string>{"first", "first", "first"});
}
