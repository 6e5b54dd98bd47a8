// A model trained, asked and kept from C++: the same bits as the program's.
#include "tools/app/api/learner.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <numeric>
#include <string>
#include <vector>

#include "data/array_view.h"
#include "data/source.h"
#include "data/subset.h"
#include "data/targets.h"
#include "optim/policies/registry.h"
#include "tests/errors.h"
#include "tests/layers/foreign_write.h"
#include "tests/tools/cli_program.h"
#include "tools/app/cli/process.h"

namespace {

using namespace firn;
using firn::test::Cli;
using firn::test::fails_with;

DataParts few_digits(std::uint64_t seed = 1) {
  DataOptions options;
  options.split.labels = 12;
  options.split.label_seed = seed;
  return open_data("digits", options);
}

Learner digits_cnn(std::uint64_t seed = 1) {
  LearnerStart start;
  start.model = "cnn";
  start.input.sample = {8, 8, 1};
  start.width = 10;
  start.seed = seed;
  return Learner(start);
}

std::string bytes_of(const Learner& learner) {
  const std::vector<std::byte> bytes = learner.to_bytes();
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

TEST_CASE("fit writes the file that the program writes, byte for byte") {
  Cli cli;
  const std::string common = "train --data digits --labels 12 --seed 3 --epochs 2 --run a ";
  SUBCASE("a known model") {
    REQUIRE(cli.run(common + "--model cnn").code == 0);
    Learner learner = digits_cnn(3);
    learner.fit(few_digits(3), {.epochs = 2, .seed = 3});
    CHECK(bytes_of(learner) == cli.read("runs/a/last.safetensors"));
  }
  SUBCASE("the best epoch, what is frozen and thaws, and other options") {
    REQUIRE(cli.run(common +
                    "--model cnn --freeze conv1 --thaw 2:conv1 --optimizer adamw --rate 0.002 --decay 0.1 "
                    "--clip 1 --smoothing 0.1 --augment shift:1 --batch 32 --schedule constant")
                .code == 0);
    Learner learner = digits_cnn(3);
    learner.model().set_freeze("conv1");
    FitOptions options{.epochs = 2, .batch = 32, .seed = 3, .optimizer = "adamw", .rate = 0.002};
    options.decay = 0.1;
    options.schedule = "constant";
    options.clip = 1;
    options.smoothing = 0.1;
    options.augment = "shift:1";
    options.thaw = {"2:conv1"};
    options.restore_best = true;
    learner.fit(few_digits(3), options);
    CHECK(bytes_of(learner) == cli.read("runs/a/best.safetensors"));
  }
  SUBCASE("a network of one's own and a policy") {
    REQUIRE(cli.run(common + "--policy gradual --model", {"conv 8 3x3, relu, pool 2, dense"}).code == 0);
    LearnerStart start{
        .model = "conv 8 3x3, relu, pool 2, dense", .input = {.sample = {8, 8, 1}}, .width = 10};
    start.seed = 3;
    Learner learner(start);
    learner.fit(few_digits(3), {.epochs = 2, .seed = 3, .policy = "gradual"});
    CHECK(bytes_of(learner) == cli.read("runs/a/last.safetensors"));
  }
}

TEST_CASE("what was trained is kept, loaded, asked and trained on") {
  Cli cli;
  Learner learner = digits_cnn();
  const DataParts data = few_digits();
  CHECK_FALSE(learner.prepared());
  const History history = learner.fit(data, {.epochs = 10, .batch = 16, .optimizer = "adam"});
  CHECK(history.epochs.size() == 10);
  CHECK(learner.prepared());
  CHECK(learner.names().size() == 10);
  learner.save(cli.path("w.safetensors"));
  Learner loaded(cli.path("w.safetensors"));
  const Evaluation before = learner.evaluate(data.test), after = loaded.evaluate(data.test);
  CHECK(before.accuracy() > 0.5);
  CHECK(before.accuracy() == after.accuracy());
  CHECK(before.loss == after.loss);
  const Tensor rows = loaded.answers(data.test);
  CHECK(rows.shape() == Shape{data.test->size(), 10});
  CHECK(std::accumulate(rows.data(), rows.data() + 10, 0.0) == doctest::Approx(1).epsilon(1e-5));
  Index right = 0;
  for (Index i = 0; i < data.test->size(); ++i) {
    const real* row = rows.data() + i * 10;
    right += std::max_element(row, row + 10) - row == data.test->label(i);
  }
  CHECK(right == after.right);
  loaded.fit(data, {.epochs = 1});
  Learner again = Learner::from_bytes(learner.to_bytes());
  again.fit(data, {.epochs = 1});
  CHECK(bytes_of(loaded) == bytes_of(again));
}

TEST_CASE("features go through the rest of the network to the same answers") {
  Learner learner = digits_cnn();
  const DataParts data = few_digits();
  learner.fit(data, {.epochs = 1});
  const Tensor features = learner.features(data.test, "conv2");
  CHECK(features.shape()[0] == data.test->size());
  CHECK(features.shape().count_from(1) == 2 * 2 * 64);
  const Tensor all = learner.features(data.test, "fc2"), rows = learner.outputs(data.test);
  CHECK(std::equal(all.data(), all.data() + all.count(), rows.data()));
  CHECK(fails_with(Fault::usage, "conv2", [&] { learner.features(data.test, "conv22"); }));
}

TEST_CASE("a new head learns other classes and leaves the rest") {
  Learner learner = digits_cnn();
  const DataParts data = few_digits();
  learner.fit(data, {.epochs = 2});
  const auto weight = [&] { return learner.model().parameters().front().parameter->to_file(); };
  const Tensor before = weight();
  const std::vector<std::int32_t> wanted = {3, 5};
  DataParts two;
  two.train = subset_classes(data.train, wanted, true);
  two.validation = subset_classes(data.validation, wanted, true);
  CHECK(fails_with(Fault::usage, "has 2 classes, cnn answers in 10", [&] { learner.fit(two); }));
  learner.new_head(2, "classification", "zero", 1);
  learner.model().set_freeze("head");
  learner.fit(two, {.epochs = 20, .optimizer = "adam", .rate = 0.01});
  CHECK(learner.names() == std::vector<std::string>{"3", "5"});
  CHECK(learner.evaluate(two.validation).accuracy() > 0.7);
  const Tensor after = weight();
  CHECK(std::equal(before.data(), before.data() + before.count(), after.data()));
}

TEST_CASE("a hook's own exception comes out as it is, and the model goes on") {
  Learner learner = digits_cnn();
  struct Mine {};
  TrainHooks hooks;
  Index steps = 0;
  hooks.after_step = [&](Index, Index, double) {
    if (++steps == 2) throw Mine{};
  };
  CHECK_THROWS_AS(learner.fit(few_digits(), {}, hooks), Mine);
  CHECK(steps == 2);
  CHECK(learner.prepared());
  CHECK(learner.fit(few_digits(), {.epochs = 1}).epochs.size() == 1);
}

TEST_CASE("regression comes back in the units of the data") {
  std::vector<float> x(200);
  std::vector<double> y(200);
  for (std::size_t i = 0; i < x.size(); ++i) {
    x[i] = static_cast<float>(i);
    y[i] = 1000 + 3 * static_cast<double>(i);
  }
  DataInfo info;
  info.name = "line";
  info.shape = {1};
  info.classes = {"?"};
  const ArrayView view{.data = x.data(), .shape = {200, 1}, .strides = {1, 1}};
  const DatasetPtr plain = make_array_view(info, view, std::vector<std::int32_t>(200));
  const DatasetPtr train = with_targets(plain, TargetKind::numbers, {"y"}, y);
  LearnerStart start{.model = "dense", .input = {.sample = {1}}, .width = 1, .task = "regression"};
  Learner learner(start);
  learner.fit({.train = train}, {.epochs = 30, .batch = 20, .optimizer = "sgd", .rate = 0.1});
  CHECK(learner.answers(plain).data()[100] == doctest::Approx(1300).epsilon(0.01));
  CHECK(learner.evaluate(train).score() > 0.99);
}

TEST_CASE("what does not fit is said before anything changes") {
  Learner learner = digits_cnn();
  const std::string before = bytes_of(learner);
  const DataParts data = few_digits();
  CHECK(fails_with(Fault::usage, "epochs 0: want a whole number", [&] { learner.fit(data, {.epochs = 0}); }));
  CHECK(fails_with(Fault::usage, "did you mean adam", [&] { learner.fit(data, {.optimizer = "adm"}); }));
  CHECK(fails_with(Fault::usage, "schedule", [&] { learner.fit(data, {.schedule = "cosin"}); }));
  CHECK(fails_with(Fault::data, "no training part", [&] { learner.fit({}); }));
  FitOptions both{.thaw = {"2:conv1"}};
  both.own_policy = parse_policy("gradual");
  CHECK(fails_with(Fault::usage, "exclude each other", [&] { learner.fit(data, both); }));
  LearnerStart start{.model = "cnn", .input = {.sample = {28, 28, 1}}, .width = 10};
  Learner large(start);
  CHECK(fails_with(Fault::usage, "cnn takes images (28,28,1)", [&] { large.fit(data); }));
  start.model = "cnnn";
  CHECK(fails_with(Fault::usage, "did you mean cnn", [&] { Learner unknown(start); }));
  CHECK(bytes_of(learner) == before);
}

TEST_CASE("the summary counts what trains") {
  Learner learner = digits_cnn();
  learner.model().set_freeze("conv1");
  const std::vector<BlockSummary> rows = learner.summary(64);
  REQUIRE(rows.size() == 4);
  CHECK(rows[0].frozen == "yes");
  CHECK(rows[0].trainable == 0);
  CHECK(rows[0].parameters == 320);
  CHECK(rows[0].output == Shape{4, 4, 32});
  CHECK(rows[0].macs_weight_gradient == 0);
  CHECK(rows[1].macs_weight_gradient > 0);
  CHECK(rows[1].macs_input_gradient == 0);
  CHECK(learner.explain(64).find("left out") != std::string::npos);
}

TEST_CASE("a step is priced, and advised is what trials say, while the model stays") {
  const Cli folder;
  setenv("XDG_CACHE_HOME", folder.path("cache").c_str(), 1);
  cli::set_own_program({FIRN_PROGRAM});
  Learner learner = digits_cnn();
  const std::string before = bytes_of(learner);
  const StepOutlook all = learner.forecast(32);
  REQUIRE(all.blocks.size() == 4);
  CHECK(all.seconds > 0);
  CHECK(all.blocks[0].weight_gradient > 0);
  learner.model().set_freeze("conv*");
  const StepOutlook head = learner.forecast(32, {.optimizer = "adam"});
  CHECK(head.blocks[0].weight_gradient == 0);
  CHECK(head.arena < all.arena);
  CHECK(head.state > 0);
  CHECK(fails_with(Fault::usage, "batch 0: want a whole number", [&] { learner.forecast(0); }));
  CHECK(fails_with(Fault::usage, "batch -3: want a whole number", [&] { learner.summary(-3); }));
  AdviceWish wish{.time = 20, .probe_time = 1, .fit = {.epochs = 2}};
  Index calls = 0;
  wish.each = [&] { ++calls; };
  const LearnerAdvice advice = learner.advise(few_digits(), wish);
  REQUIRE(advice.cuts.size() == 4);
  CHECK(calls > 0);
  CHECK(advice.chosen >= 0);
  CHECK(advice.reason.find("trained") != std::string::npos);
  CHECK(advice.cuts[static_cast<std::size_t>(advice.chosen)].known == "trained");
  CHECK_FALSE(learner.prepared());
  CHECK(bytes_of(learner) == before);
  DataParts data = few_digits();
  data.validation = nullptr;
  CHECK(fails_with(Fault::usage, "validation part", [&] { learner.advise(data, wish); }));
  struct Mine {};
  wish.each = [] { throw Mine{}; };
  CHECK_THROWS_AS(learner.advise(few_digits(), wish), Mine);
}

TEST_CASE("an ONNX model of a learner is that learner again") {
  const Cli cli;
  Learner learner = digits_cnn();
  const DataParts data = few_digits();
  learner.fit(data, {.epochs = 1});
  learner.export_onnx(cli.path("own.onnx"));
  const Tensor want = learner.answers(data.test);
  for (const Learner& again : {Learner(cli.path("own.onnx")), Learner::of_network(cli.path("own.onnx"))}) {
    CHECK(again.names() == learner.names());
    CHECK(bytes_of(again) == bytes_of(learner));
    const Tensor got = again.answers(data.test);
    CHECK(std::equal(got.data(), got.data() + got.count(), want.data()));
  }
}

TEST_CASE("another program's network is taken from a file or from memory, what is frozen there frozen") {
  Cli cli;
  const std::string bytes = test::pt2(test::small_pt2());
  cli.write("net.pt2", bytes);
  const std::span<const std::byte> memory = std::as_bytes(std::span(bytes.data(), bytes.size()));
  const std::vector<float> x{1, -2, 3, 6};
  DataInfo info;
  info.name = "x";
  info.kind = DataKind::image;
  info.shape = {2, 2, 1};
  info.labelled = false;
  info.classes = {"?"};
  const DatasetPtr asked = make_array_view(
      info, {.data = x.data(), .shape = {1, 2, 2, 1}, .strides = {4, 2, 1, 1}}, std::vector<std::int32_t>(1));
  std::vector<Learner> learners;
  learners.push_back(Learner::of_network(cli.path("net.pt2")));
  learners.push_back(Learner::of_network(memory, "module"));
  learners.push_back(Learner(cli.path("net.pt2")));
  for (Learner& learner : learners) {
    CHECK(learner.prepared());
    CHECK(learner.outputs(asked).data()[0] == real(2.5));
    CHECK_FALSE(learner.model().parameters()[0].parameter->trainable());
    CHECK(learner.model().parameters()[1].parameter->trainable());
    REQUIRE_FALSE(learner.notes().empty());
    CHECK(learner.notes().back().find("1 of the 2 tensors of") == 0);
    learner.new_head(3, "classification", "zero", 1);
    CHECK(learner.model().width() == 3);
  }
  CHECK(fails_with(Fault::model_file, "neither", [&] { Learner::of_network(memory.first(9), "module"); }));
}

}  // namespace
