// What a command takes, from the first steps of its run.
#include "tools/app/run/forecast.h"

#include <doctest/doctest.h>

#include <filesystem>

#include "layers/models/models.h"
#include "tests/folder.h"

namespace {

using namespace firn;
using namespace firn::cli;

TEST_CASE("steps that were seen stand for those to come, the last batch for its share") {
  // 10 samples in batches of 4: an epoch is 2.5 of them.
  RunForecast forecast(
      {.epochs = 3, .samples = 10, .batch = 4, .computing = 3, .forward = 0.25, .validation = 8, .test = 4},
      100);
  CHECK(forecast.left().all() == 0);
  forecast.after_step(1, 1, 107);  // compiled: counts only as long as there is no other
  CHECK(forecast.left().steps == doctest::Approx(7 * 6.5));
  forecast.after_step(1, 2, 109);
  CHECK_FALSE(forecast.known());
  CHECK(forecast.step_seconds() == doctest::Approx(2));
  CHECK(forecast.left().steps == doctest::Approx(2 * (0.5 + 5)));
  CHECK(forecast.left().validation == doctest::Approx(3 * 2 * 0.25 * 2));
  CHECK(forecast.left().test == doctest::Approx(0.25 * 2));
  CHECK(forecast.left().files == 0);
  forecast.after_step(1, 3, 110);
  forecast.after_epoch(1, 5, 115);  // the evaluation, measured, stands for the others and for the test part
  CHECK(forecast.left().steps == doctest::Approx(2 * 5));
  CHECK(forecast.left().validation == doctest::Approx(2 * 5));
  CHECK(forecast.left().test == doctest::Approx(2.5));
  forecast.after_step(2, 1, 117);
  CHECK(forecast.known());
}

TEST_CASE("a run of short epochs is known behind two of them") {
  RunForecast forecast({.epochs = 9, .samples = 4, .batch = 4, .computing = 9}, 0);
  forecast.after_step(1, 1, 0.01);
  forecast.after_epoch(1, 0, 0.01);
  CHECK_FALSE(forecast.known());
  forecast.after_step(2, 1, 0.02);
  CHECK_FALSE(forecast.known());
  forecast.after_epoch(2, 0, 0.02);
  CHECK(forecast.known());
  CHECK(forecast.left().all() == doctest::Approx(0.07));
}

TEST_CASE("steps from kept features have their price until some were seen") {
  RunForecast forecast({.epochs = 10,
                        .samples = 8,
                        .batch = 4,
                        .computing = 2,
                        .kept_step = 0.001,
                        .kept_validation = true,
                        .forward = 1,
                        .kept_forward = 0.5,
                        .validation = 4},
                       0);
  forecast.after_step(1, 1, 3);
  forecast.after_step(1, 2, 4);
  CHECK(forecast.left().steps == doctest::Approx(2 + 16 * 0.001));
  CHECK(forecast.left().validation == doctest::Approx(1 + 9 * 0.0005));
  forecast.after_epoch(1, 1.5, 5.5);
  CHECK(forecast.left().validation == doctest::Approx(9 * 0.0005));
  forecast.after_step(2, 1, 6.5);
  forecast.after_step(2, 2, 7.5);
  forecast.after_epoch(2, 0.1, 8);
  CHECK(forecast.left().steps == doctest::Approx(16 * 0.001));
  forecast.after_step(3, 1, 8.01);
  forecast.after_step(3, 2, 8.02);
  forecast.after_step(4, 1, 8.03);
  CHECK(forecast.left().steps == doctest::Approx(13 * 0.01));
}

TEST_CASE("what is saved: weights twice, a checkpoint of what trains, and no more often than it may cost") {
  const ModelPtr model = make_lenet({.sample = Shape{28, 28, 1}}, 10);
  double bytes = 0;
  for (const NamedParameter& p : model->parameters())
    bytes += static_cast<double>(p.parameter->value().bytes());
  const Saving all = saving_of(*model, 1, false, false);
  CHECK(all.weights == bytes);
  CHECK(all.checkpoint == 3 * bytes);
  CHECK_FALSE(all.from_base);
  model->set_freeze("head");
  const Saving head = saving_of(*model, 2, false, false);
  CHECK(head.base == bytes);
  CHECK(head.checkpoint < bytes);
  CHECK(saving_of(*model, 2, false, true).base == 0);

  const FilePrices prices{.file = 0.01};
  const auto seconds = [&](Index done, Index epochs, double training) {
    return saving_seconds(all, prices, done, epochs, training);
  };
  // One epoch: a checkpoint, metrics and results twice, best, last and four others.
  CHECK(seconds(0, 1, 100) == doctest::Approx(0.01 * (2 + 4 + 4 + 2)));
  CHECK(seconds(1, 1, 0) == doctest::Approx(0.01 * (0 + 2 + 4 + 2)));
  // A thousand epochs in ten seconds: metrics each second, checkpoints a twentieth of the time.
  CHECK(seconds(0, 1000, 10) == doctest::Approx(0.01 * (51 + 22 + 4 + 2)));
  CHECK(opening_seconds(head, prices) == doctest::Approx(0.03));
}

TEST_CASE("files are measured and gone") {
  const firn::test::Folder folder;
  Machine machine(true);
  const FilePrices prices = file_prices(folder.path(), machine);
  CHECK(prices.file > 0);
  CHECK(prices.byte >= 0);
  CHECK(std::filesystem::is_empty(folder.path()));
  CHECK(file_prices(folder / "none", machine).file == 0);
}

}  // namespace
