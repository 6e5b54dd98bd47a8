// Choices are made on validation, and the test part is read once.
#include <doctest/doctest.h>

#include <atomic>
#include <set>

#include "data/digits.h"
#include "data/split.h"
#include "engine/base/parallel.h"
#include "optim/trainer/trainer.h"
#include "tests/errors.h"

using namespace firn;

namespace {

/// Counts how often each sample's pixels and its label are read.
class Counting : public Dataset {
 public:
  explicit Counting(DatasetPtr data)
      : Dataset(data->info()), data_(std::move(data)), pixels_(count()), labels_(count()) {}

  Index size() const override { return data_->size(); }
  std::int32_t label(Index i) const override { return data_->label(i); }
  void fill_numbers(Index i, std::span<real> to) const override {
    ++pixels_[static_cast<std::size_t>(i)];
    data_->fill_numbers(i, to);
  }
  void fill_labels(Index i, std::span<std::int32_t> to) const override {
    ++labels_[static_cast<std::size_t>(i)];
    data_->fill_labels(i, to);
  }
  /// The different numbers of reads.
  std::set<int> reads() const {
    std::set<int> all(pixels_.begin(), pixels_.end());
    all.insert(labels_.begin(), labels_.end());
    return all;
  }

 private:
  std::size_t count() const { return static_cast<std::size_t>(data_->size()); }
  DatasetPtr data_;
  mutable std::vector<std::atomic<int>> pixels_, labels_;
};

struct Setup {
  DataParts parts = complete_parts(open_digits(), {.labels = 30});
  std::shared_ptr<Counting> test = std::make_shared<Counting>(parts.test);
  ModelPtr model = find_model("mlp").make({.sample = parts.train->info().shape}, 10);
  std::unique_ptr<Optimizer> optimizer = make_sgd({.rate = 0.05, .momentum = 0.9});
  Loader train{parts.train, {.batch = 64}};
  Loader validation{parts.validation, {.batch = 32, .shuffle = false}};
  Loader last{test, {.batch = 50, .shuffle = false}};

  Setup() { model->initialise(1); }
};

std::vector<std::vector<std::byte>> bytes_of(const std::vector<NamedTensor>& weights) {
  std::vector<std::vector<std::byte>> all;
  for (const NamedTensor& one : weights) {
    const auto* first = static_cast<const std::byte*>(one.tensor.raw());
    all.emplace_back(first, first + one.tensor.bytes());
  }
  return all;
}

std::vector<std::vector<std::byte>> bytes_of(const Model& model) {
  std::vector<NamedTensor> weights;
  for (const NamedParameter& p : model.parameters()) weights.push_back({p.name, p.parameter->to_file()});
  return bytes_of(weights);
}

}  // namespace

TEST_CASE("the samples of the test part are read once in a run, and after all choices") {
  Setup setup;
  Trainer trainer(*setup.model, *setup.optimizer, setup.train, setup.validation,
                  {.epochs = 4, .keep_best = true, .cache = {.mode = CacheMode::automatic}});
  TrainHooks hooks;
  hooks.after_epoch = [&](const EpochRecord&) { CHECK(setup.test->reads() == std::set<int>{0}); };
  const History history = trainer.run(hooks);
  CHECK(history.epochs.size() == 4);
  CHECK(history.last_evaluation.samples == setup.parts.validation->size());
  const Evaluation test = trainer.test(setup.last);
  CHECK(test.samples == 360);
  CHECK(setup.test->reads() == std::set<int>{1});
}

TEST_CASE("the test is of the best weights, and the model keeps its last ones") {
  Setup setup;
  Trainer trainer(*setup.model, *setup.optimizer, setup.train, setup.validation,
                  {.epochs = 3, .keep_best = true});
  TrainHooks hooks;
  std::vector<std::vector<std::vector<std::byte>>> after;
  hooks.after_epoch = [&](const EpochRecord& record) {
    after.push_back(bytes_of(*setup.model));
    if (record.epoch < 2) return;
    for (const NamedParameter& p : setup.model->parameters()) {  // astray
      p.parameter->mutable_value().fill(0);
      p.parameter->touch();
    }
  };
  const History history = trainer.run(hooks);
  REQUIRE(history.best_epoch == 2);
  const auto last = bytes_of(*setup.model);
  CHECK(trainer.test(setup.last).accuracy() > 0.5);  // by zeros a tenth
  CHECK(bytes_of(*setup.model) == last);
  CHECK(bytes_of(trainer.best_weights()) == after[1]);
}

TEST_CASE(
    "of epochs that are equal on validation the last one is the best, and patience counts from the first") {
  Setup setup;
  setup.optimizer = make_sgd({.rate = 0});
  Trainer trainer(*setup.model, *setup.optimizer, setup.train, setup.validation, {.epochs = 5});
  const History equal = trainer.run();
  CHECK(equal.best_epoch == 5);
  Trainer patient(*setup.model, *setup.optimizer, setup.train, setup.validation,
                  {.epochs = 5, .patience = 2});
  const History ended = patient.run();
  CHECK(ended.stopped_early);
  CHECK(ended.epochs.size() == 3);
  CHECK(ended.best_epoch == 3);
}

TEST_CASE("without a validation part nothing is chosen") {
  Setup setup;
  Trainer trainer(*setup.model, *setup.optimizer, setup.train, {.epochs = 2, .keep_best = true});
  const History history = trainer.run();
  CHECK(history.best_epoch == 0);
  CHECK_FALSE(history.epochs.back().validated);
  CHECK(bytes_of(trainer.best_weights()) == bytes_of(*setup.model));
  CHECK(trainer.test(setup.last).samples == 360);
  CHECK(test::fails_with(Fault::usage, "patience wants a validation part",
                         [&] { Trainer(*setup.model, *setup.optimizer, setup.train, {.patience = 1}); }));
}
