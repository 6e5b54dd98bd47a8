// A training batch norm far from zero, and over few values.
#include <doctest/doctest.h>

#include <cmath>
#include <memory>
#include <vector>

#include "engine/base/rng.h"
#include "engine/ops/arithmetic.h"
#include "engine/ops/batch_norm.h"
#include "engine/ops/merged_moments.h"
#include "engine/ops/reduce.h"
#include "engine/program/program.h"
#include "tests/errors.h"

using namespace firn;

namespace {

constexpr Index kBatch = 64, kPlaces = 9, kChannels = 19;
constexpr real kEpsilon = real(1e-5);
constexpr double kCenter = 1000;  // deviations of what `drawn` draws around it
constexpr double kFew = 1e-6;     // roundings of results below 2; a unit at the center is sixty times as much

/// A batch norm of the parameter x (places of all samples one behind the other) as a training step.
struct NormStep {
  ParameterPtr mean, variance, gamma, beta;
  std::unique_ptr<Program> program;
};

NormStep make_step(Index batch, Index places, Index slice_rows) {
  NormStep step;
  const auto parameter = [](const char* name, real value, Role role) {
    Tensor tensor({kChannels});
    tensor.fill(value);
    return std::make_shared<Parameter>(name, std::move(tensor), role);
  };
  step.mean = parameter("mean", 0, Role::statistic);
  step.variance = parameter("variance", 1, Role::statistic);
  step.gamma = parameter("gamma", 1, Role::norm);
  step.beta = parameter("beta", 0, Role::norm);
  auto graph = std::make_unique<Graph>(Graph::Options{.seed = 1});
  const Value x = graph->feed("x", {batch, places, kChannels});
  const Value y = batch_norm_train(*graph, x, graph->parameter(step.gamma), graph->parameter(step.beta),
                                   step.mean, step.variance, kEpsilon, real(0.1));
  graph->output("y", y);
  const Value weights = graph->feed("weights", {batch, places, kChannels});
  const Value loss = sum(*graph, multiply(*graph, y, weights));
  graph->output("loss", loss);
  step.program = Program::training(std::move(graph), loss, {.slice_rows = slice_rows});
  return step;
}

Tensor drawn(const Shape& shape, double center, const char* name) {
  Tensor tensor(shape);
  Random random(3, name);
  for (real& value : tensor.values()) value = static_cast<real>(center + random.uniform(-1.7, 1.7));
  return tensor;
}

struct Truth {
  std::vector<double> mean, variance, y, dgamma;
};

Truth truth_of(const Tensor& x, const Tensor& weights) {
  const Index rows = x.count() / kChannels;
  const auto n = static_cast<double>(rows);
  Truth t;
  t.y.resize(static_cast<std::size_t>(x.count()));
  for (Index c = 0; c < kChannels; ++c) {
    double sum = 0, squares = 0, dgamma = 0;
    for (Index r = 0; r < rows; ++r) sum += x.data()[r * kChannels + c];
    const double mean = sum / n;
    for (Index r = 0; r < rows; ++r) squares += std::pow(x.data()[r * kChannels + c] - mean, 2);
    const double scale = 1 / std::sqrt(squares / n + kEpsilon);
    for (Index r = 0; r < rows; ++r) {
      const Index i = r * kChannels + c;
      t.y[static_cast<std::size_t>(i)] = (x.data()[i] - mean) * scale;
      dgamma += weights.data()[i] * t.y[static_cast<std::size_t>(i)];
    }
    t.mean.push_back(mean);
    t.variance.push_back(squares / (n - 1));
    t.dgamma.push_back(dgamma);
  }
  return t;
}

template <class Want>
double worst(const real* got, const Want& want) {
  double worst = 0;
  for (std::size_t i = 0; i < want.size(); ++i) {
    const double error = std::abs(static_cast<double>(got[i]) - want[i]);
    if (!(error <= worst)) worst = error;
  }
  return worst;
}

}  // namespace

TEST_CASE("a mean a thousand deviations from zero: slices of one sample are as right as one piece") {
  const Shape shape{kBatch, kPlaces, kChannels};
  const Tensor x = drawn(shape, kCenter, "x"), weights = drawn(shape, 0, "weights");
  const Truth truth = truth_of(x, weights);
  for (const Index slice_rows : {1, 7, 64}) {
    CAPTURE(slice_rows);
    const NormStep step = make_step(kBatch, kPlaces, slice_rows);
    step.program->feed("x", x);
    step.program->feed("weights", weights);
    step.program->run();
    CHECK(worst(step.program->output("y").data(), truth.y) <= kFew);
    for (Index c = 0; c < kChannels; ++c) {
      const auto i = static_cast<std::size_t>(c);
      CHECK(std::abs(step.mean->value().data()[c] - 0.1 * truth.mean[i]) <= 1e-5);
      const double variance = (step.variance->value().data()[c] - 0.9) / 0.1;
      CHECK(std::abs(variance - truth.variance[i]) <= 2e-6 * truth.variance[i] + 1e-6);
    }
    for (const GradientView& view : step.program->gradients()) {
      if (view.parameter != step.gamma.get()) continue;
      CHECK(worst(view.data, truth.dgamma) <= 5e-3);
    }
  }
}

TEST_CASE("how the batch is cut changes the last bits at most") {
  const Shape shape{kBatch, kPlaces, kChannels};
  const Tensor x = drawn(shape, kCenter, "x"), weights = drawn(shape, 0, "weights");
  std::vector<Tensor> results;
  for (const Index slice_rows : {1, 64}) {
    const NormStep step = make_step(kBatch, kPlaces, slice_rows);
    step.program->feed("x", x);
    step.program->feed("weights", weights);
    step.program->run();
    results.push_back(step.program->output("y"));
  }
  const std::vector<double> whole(results[1].values().begin(), results[1].values().end());
  CHECK(worst(results[0].data(), whole) <= kFew);
}

TEST_CASE("moments are merged rightly where a float no longer counts") {
  // 2^24 zeros, then 1001 times 1, one by one: a float that counts would stay where it is.
  constexpr Index kZeros = Index{1} << 24, kOnes = 1001;
  MergedMoments all;
  all.add(kZeros, 0, 0);
  for (Index i = 0; i < kOnes; ++i) all.add(1, 1, 0);
  const auto n = static_cast<double>(kZeros + kOnes), ones = static_cast<double>(kOnes);
  CHECK(all.count == n);
  CHECK(std::abs(all.mean / (ones / n) - 1) <= 1e-12);
  CHECK(std::abs(all.m2 / (ones * (n - ones) / n) - 1) <= 1e-12);
  // Two large parts a thousand deviations from zero.
  MergedMoments two;
  two.add(kZeros + 1, 999, 5);
  two.add(kZeros + 3, 1001, 7);
  CHECK(two.count == static_cast<double>(2 * kZeros + 4));
  CHECK(std::abs(two.mean - (1000 + 2.0 / static_cast<double>(2 * kZeros + 4))) <= 1e-12);
  CHECK(std::abs(two.m2 / (12 + 4.0 * static_cast<double>(kZeros + 1) * static_cast<double>(kZeros + 3) /
                                    static_cast<double>(2 * kZeros + 4)) -
                 1) <= 1e-12);
}

TEST_CASE("one value a channel cannot be normalised") {
  CHECK(test::fails_with(Fault::usage, "one value a channel", [] { make_step(1, 1, 0); }));
  CHECK_NOTHROW(make_step(2, 1, 0));
  CHECK_NOTHROW(make_step(1, 2, 0));
}
