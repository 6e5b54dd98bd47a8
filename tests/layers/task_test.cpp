// What each task makes of answers: losses, metrics and predictions, by hand.
#include "layers/task.h"

#include <doctest/doctest.h>

#include <cmath>
#include <numeric>

#include "engine/ops/activation.h"
#include "engine/ops/arithmetic.h"
#include "engine/ops/reduce.h"
#include "engine/program/program.h"
#include "layers/tasks/classification.h"
#include "layers/tasks/regression.h"
#include "layers/tasks/several_labels.h"
#include "layers/tasks/usual.h"
#include "layers/training_graph.h"
#include "tests/errors.h"

using namespace firn;
using namespace firn::test;

namespace {

Tensor numbers(Shape shape, const std::vector<double>& values) {
  Tensor tensor(shape);
  for (std::size_t i = 0; i < values.size(); ++i) tensor.data()[i] = static_cast<real>(values[i]);
  return tensor;
}

Tensor classes(Shape shape, const std::vector<std::int32_t>& values) {
  Tensor tensor(shape, DType::int32);
  std::copy(values.begin(), values.end(), tensor.indices());
  return tensor;
}

Evaluation judged(const Task& task, const Tensor& output, const Tensor& targets) {
  const auto score = task.score();
  score->add(output.data(), output.count() / task.width(), targets);
  return score->result();
}

/// The loss of an output that is fed.
double loss_of(const Task& task, const Tensor& output, const Tensor& targets,
               const LossOptions& options = {}) {
  auto graph = std::make_unique<Graph>(Graph::Options{.mode = Mode::infer});
  const Spec spec = task.targets(output.shape());
  const Value x = graph->feed("x", output.shape());
  graph->output("loss", task.loss(*graph, x, graph->feed("targets", spec.shape, spec.type), options));
  auto program = Program::inference(std::move(graph));
  program->feed("x", output);
  program->feed("targets", targets);
  program->run();
  return static_cast<double>(*program->output_data("loss"));
}

/// An absolute error, by one who wants another loss.
class Absolute : public Regression {
 public:
  using Regression::Regression;
  std::string_view name() const override { return "absolute"; }
  Value loss(Graph& graph, Value output, Value targets, const LossOptions& options) const override {
    require_no_options(options);
    const Value up = activate(graph, Activation::relu, subtract(graph, output, targets));
    const Value down = activate(graph, Activation::relu, subtract(graph, targets, output));
    return mean(graph, add(graph, up, down));
  }
};

}  // namespace

TEST_CASE("classes: the share of right answers, cross-entropy, and what is likeliest") {
  const Classification task(3);
  const double a = std::log(3.0);
  const Tensor output = numbers({2, 3}, {0, a, 0, 0, 0, a}), targets = classes({2}, {1, 0});
  const Evaluation e = judged(task, output, targets);
  CHECK(e.samples == 2);
  CHECK(e.right == 1);
  CHECK(e.metrics == std::vector<double>{0.5});
  CHECK(e.score() == 0.5);
  CHECK(e.confusion == std::vector<Index>{0, 0, 1, 0, 1, 0, 0, 0, 0});
  // The classes have the probabilities 1/5, 3/5 and 1/5.
  CHECK(e.loss == doctest::Approx(-(std::log(0.6) + std::log(0.2)) / 2).epsilon(1e-6));
  CHECK(loss_of(task, output, targets) == doctest::Approx(e.loss).epsilon(1e-5));
  const std::vector<Predicted> top = task.predict(output.data(), 2);
  REQUIRE(top.size() == 2);
  CHECK((top[0].place == 1 && top[0].chosen && !top[1].chosen));
  CHECK(top[0].value == doctest::Approx(0.6));
  CHECK(top[1].place == 0);
  CHECK(fails_with(Fault::usage, "rows of 3", [&] { task.targets({2, 4}); }));
  CHECK(fails_with(Fault::usage, "0 classes", [] { Classification none(0); }));
}

TEST_CASE("next tokens: each step is an answer, padding none") {
  const NextToken task(2, true);
  const Tensor output = numbers({1, 3, 2}, {1, 0, 0, 1, 0, 1}), targets = classes({1, 3}, {0, 0, -1});
  const Evaluation e = judged(task, output, targets);
  CHECK(task.each_step());
  CHECK(e.samples == 2);
  CHECK(e.metrics == std::vector<double>{0.5});
  CHECK(e.confusion.empty());
  CHECK(e.loss == doctest::Approx(std::log1p(std::exp(-1.0)) + 0.5).epsilon(1e-6));
  CHECK(loss_of(task, output, targets) == doctest::Approx(e.loss).epsilon(1e-5));
  CHECK(task.targets({1, 3, 2}).shape == Shape{1, 3});
}

TEST_CASE("numbers: R², absolute and squared errors in their own units") {
  const Regression task(1, {10}, {2});
  const Tensor output = numbers({3, 1}, {0, 1, -1}), targets = numbers({3, 1}, {0.5, 1, 0});
  const Evaluation e = judged(task, output, targets);
  CHECK(e.answers == std::vector<double>{10, 12, 8});
  CHECK(e.truths == std::vector<double>{11, 12, 10});
  REQUIRE(e.metrics.size() == 3);
  CHECK(e.metrics[0] == doctest::Approx(1 - 5.0 / 2));  // squares of errors 1, 0, 4, about the mean 0, 1, 1
  CHECK(e.metrics[1] == doctest::Approx(1));
  CHECK(e.metrics[2] == doctest::Approx(std::sqrt(5.0 / 3)));
  CHECK(e.loss == doctest::Approx(1.25 / 3));
  CHECK(loss_of(task, output, targets) == doctest::Approx(1.25 / 3));
  CHECK(task.merit(e.loss, e.metrics) == -e.loss);
  const std::vector<Predicted> said = task.predict(output.data() + 1, 1);
  REQUIRE(said.size() == 1);
  CHECK(said[0].value == 12);
  const Index twice[] = {0, 0};
  CHECK(task.metrics_of(e, twice) == std::vector<double>{0, 1, 1});  // one truth, missed
  const Index right[] = {1};
  CHECK(task.metrics_of(e, right) == std::vector<double>{1, 0, 0});
}

TEST_CASE("several numbers: the mean over them") {
  const Regression task(2);
  const Evaluation e = judged(task, numbers({2, 2}, {1, 5, 3, 5}), numbers({2, 2}, {1, 4, 3, 6}));
  CHECK(e.metrics[0] == doctest::Approx((1.0 + 0.0) / 2));
  CHECK(e.metrics[1] == doctest::Approx(0.5));
  CHECK(e.metrics[2] == doctest::Approx(std::sqrt(0.5)));
  CHECK(fails_with(Fault::usage, "1 means and 2 deviations for 2 targets", [] {
    Regression(2, {0}, {1, 1});
  }));
  CHECK(fails_with(Fault::usage, "deviation is 0", [] { Regression(1, {0}, {0}); }));
}

TEST_CASE("several labels: F1 over them, right answers, wholly right samples") {
  const SeveralLabels task(2);
  const Tensor output = numbers({3, 2}, {2, -1, 1, 1, -1, -2}), targets = numbers({3, 2}, {1, 0, 0, 1, 1, 0});
  const Evaluation e = judged(task, output, targets);
  // The first label is found once, claimed wrongly once and missed once; the second is found.
  CHECK(e.metrics[0] == doctest::Approx((0.5 + 1) / 2));
  CHECK(e.metrics[1] == doctest::Approx(4.0 / 6));
  CHECK(e.metrics[2] == doctest::Approx(1.0 / 3));
  const auto cost = [](double x) { return std::log1p(std::exp(-x)); };  // of a label that is there
  const double loss = (cost(2) + cost(1) + cost(-1) + cost(1) + cost(-1) + cost(2)) / 6;
  CHECK(e.loss == doctest::Approx(loss));
  CHECK(loss_of(task, output, targets) == doctest::Approx(loss).epsilon(1e-5));
  const std::vector<Predicted> said = task.predict(output.data() + 2, 1);  // all that are chosen
  REQUIRE(said.size() == 2);
  CHECK((said[0].chosen && said[1].chosen));
  const std::vector<Predicted> none = task.predict(output.data() + 4, 1);
  REQUIRE(none.size() == 1);
  CHECK((none[0].place == 0 && !none[0].chosen));
  CHECK(none[0].value == doctest::Approx(1 / (1 + std::exp(1.0))));
}

TEST_CASE("weights of classes and smoothing are refused where there are no classes") {
  const Tensor one = numbers({1, 1}, {0});
  const Regression numbers_task(1);
  const SeveralLabels labels_task(1);
  for (const Task* task : {static_cast<const Task*>(&numbers_task), static_cast<const Task*>(&labels_task)}) {
    CHECK(fails_with(Fault::usage, "label smoothing is for classes",
                     [&] { loss_of(*task, one, one, {.smoothing = real(0.1)}); }));
    CHECK(fails_with(Fault::usage, "class weights are for classes",
                     [&] { loss_of(*task, one, one, {.class_weights = {1}}); }));
  }
}

TEST_CASE("a loss of one's own: a class derived from a task") {
  const Absolute task(1, {10}, {2});
  const Tensor output = numbers({3, 1}, {0, 1, -1}), targets = numbers({3, 1}, {0.5, 1, 0});
  CHECK(loss_of(task, output, targets) == doctest::Approx(0.5));
  CHECK(judged(task, output, targets).metrics[1] == doctest::Approx(1));
}

TEST_CASE("a model and a task that do not fit are told so") {
  const ModelEntry& entry = find_model("mlp");
  const ModelPtr model = entry.make({.sample = Shape{4}}, 3);
  CHECK(fails_with(Fault::usage, "the model's output is (2,3), the task wants rows of 2",
                   [&] { training_graph(*model, Regression(2), 2, Shape{4}, {}); }));
  CHECK(fails_with(Fault::usage, "it answers once a sample, the task each step",
                   [&] { training_graph(*model, NextToken(3), 2, Shape{4}, {}); }));
  CHECK(usual_task(*model)->name() == "classification");
  const ModelPtr text =
      find_model("charrnn").make({.sample = Shape{5}, .vocabulary = 7, .each_step = true}, 7);
  CHECK(usual_task(*text)->name() == "next-token");
  CHECK(fails_with(Fault::usage, "it answers each step, the task once a sample",
                   [&] { training_graph(*text, Classification(7), 2, Shape{5}, {}); }));
}
