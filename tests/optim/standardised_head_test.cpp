#include "optim/standardised_head.h"

#include <doctest/doctest.h>

#include <cmath>

#include "data/source.h"
#include "data/subset.h"
#include "engine/base/rng.h"
#include "layers/model.h"
#include "optim/optimizer.h"
#include "optim/trainer/trainer.h"
#include "tests/errors.h"

using namespace firn;
using test::fails_with;

namespace {

constexpr Index kSamples = 24, kIn = 3, kOut = 2;

/// A dense layer's numbers, and the gradients of its outputs' squared distance to targets, the mean of
/// samples.
struct Toy {
  Parameter weight{"weight", Tensor(Shape{kIn, kOut}), Role::weight};
  Parameter bias{"bias", Tensor(Shape{kOut}), Role::bias};
  std::vector<real> weight_gradient = std::vector<real>(kIn * kOut), bias_gradient = std::vector<real>(kOut);

  explicit Toy(std::vector<real> start) {
    std::copy_n(start.begin(), kIn * kOut, weight.mutable_value().data());
    std::copy_n(start.begin() + kIn * kOut, kOut, bias.mutable_value().data());
  }
  double output(const real* x, Index o) const {
    double y = static_cast<double>(bias.value().data()[o]);
    for (Index i = 0; i < kIn; ++i)
      y += static_cast<double>(x[i]) * static_cast<double>(weight.value().data()[i * kOut + o]);
    return y;
  }
  std::vector<GradientView> gradients(const std::vector<real>& x, double decay = 0) {
    std::vector<double> w(kIn * kOut), b(kOut);
    for (Index n = 0; n < kSamples; ++n) {
      const real* row = x.data() + n * kIn;
      for (Index o = 0; o < kOut; ++o) {
        const double d = (output(row, o) - static_cast<double>((n + o) % 3)) / kSamples;
        b[static_cast<std::size_t>(o)] += d;
        for (Index i = 0; i < kIn; ++i)
          w[static_cast<std::size_t>(i * kOut + o)] += d * static_cast<double>(row[i]);
      }
    }
    for (std::size_t k = 0; k < w.size(); ++k)
      weight_gradient[k] = static_cast<real>(w[k] + decay * static_cast<double>(weight.value().data()[k]));
    for (std::size_t k = 0; k < b.size(); ++k) bias_gradient[k] = static_cast<real>(b[k]);
    return {{&weight, weight_gradient.data(), kIn * kOut}, {&bias, bias_gradient.data(), kOut}};
  }
};

/// Features of different means and deviations; the last one is always the same.
std::vector<real> features() {
  std::vector<real> x;
  Random random(3, "features");
  for (Index n = 0; n < kSamples; ++n) {
    x.push_back(real(5 + 2 * random.uniform()));
    x.push_back(real(-1 + 30 * random.uniform()));
    x.push_back(real(4));
  }
  return x;
}

const std::vector<real> kStart = {0.1f, -0.2f, 0.05f, 0.02f, 0.3f, 0, 0.5f, -0.5f};

std::unique_ptr<Optimizer> optimizer(bool adam) {
  if (adam) return make_adam({.rate = 0.02});
  return make_sgd({.rate = 0.1, .momentum = 0.9});
}

}  // namespace

TEST_CASE("the layer is the one that standardised features would have trained") {
  for (const bool adam : {false, true}) {
    CAPTURE(adam);
    const std::vector<real> x = features();
    Toy layer(kStart);
    StandardisedHead head(layer.weight, layer.bias, 0.1);
    head.measure(x.data(), kSamples / 2);
    head.measure(x.data() + kSamples / 2 * kIn, kSamples / 2);
    head.measured();
    CHECK(head.samples() == kSamples);

    // The same by hand: V, c and z.
    double mean[kIn] = {}, deviation[kIn] = {}, total = 0;
    for (Index n = 0; n < kSamples; ++n)
      for (Index i = 0; i < kIn; ++i)
        mean[i] += static_cast<double>(x[static_cast<std::size_t>(n * kIn + i)]) / kSamples;
    for (Index n = 0; n < kSamples; ++n)
      for (Index i = 0; i < kIn; ++i)
        deviation[i] +=
            std::pow(static_cast<double>(x[static_cast<std::size_t>(n * kIn + i)]) - mean[i], 2) / kSamples;
    for (const double variance : deviation) total += variance / kIn;
    for (double& d : deviation) d = std::sqrt(d + 1e-3 * total);
    std::vector<real> z = x, start = kStart;
    for (std::size_t k = 0; k < z.size(); ++k)
      z[k] = static_cast<real>((static_cast<double>(x[k]) - mean[k % kIn]) / deviation[k % kIn]);
    for (std::size_t i = 0; i < kIn; ++i) {
      for (std::size_t o = 0; o < kOut; ++o) {
        start[i * kOut + o] = static_cast<real>(deviation[i] * static_cast<double>(kStart[i * kOut + o]));
        start[kIn * kOut + o] += static_cast<real>(mean[i] * static_cast<double>(kStart[i * kOut + o]));
      }
    }
    Toy standardised(start);
    const auto one = optimizer(adam), other = optimizer(adam);
    for (int step = 0; step < 40; ++step) {
      one->step(head.enter(layer.gradients(x)));
      head.leave();
      other->step(standardised.gradients(z, 0.1));
    }
    for (Index n = 0; n < kSamples; ++n) {
      for (Index o = 0; o < kOut; ++o) {
        CHECK(layer.output(x.data() + n * kIn, o) ==
              doctest::Approx(standardised.output(z.data() + n * kIn, o)).epsilon(1e-4));
      }
    }
  }
}

TEST_CASE(
    "nothing is done before it is measured, nor where the layer trains in part; abandoned it is as it was") {
  const std::vector<real> x = features();
  Toy layer(kStart);
  StandardisedHead head(layer.weight, layer.bias, 0);
  const std::vector<GradientView> gradients = layer.gradients(x);
  CHECK(head.enter(gradients).data() == gradients.data());
  head.leave();
  head.measure(x.data(), kSamples);
  head.measured();
  CHECK(head.enter(std::span(gradients).first(1)).data() == gradients.data());
  const TrainableRanges trains{0, {{0, 1}}};
  std::vector<GradientView> part = gradients;
  part[0].trains = &trains;
  CHECK(head.enter(part).data() == part.data());
  CHECK(head.enter(gradients).data() != gradients.data());
  CHECK(layer.weight.value().data()[0] != kStart[0]);
  head.abandon();
  for (std::size_t k = 0; k < kIn * kOut; ++k) CHECK(layer.weight.value().data()[k] == kStart[k]);
  for (std::size_t o = 0; o < kOut; ++o) CHECK(layer.bias.value().data()[o] == kStart[kIn * kOut + o]);
}

TEST_CASE("faults: shapes, a decay below zero, a model without such a head") {
  Toy layer(kStart);
  CHECK(fails_with(Fault::usage, "no dense layer", [&] { StandardisedHead(layer.bias, layer.weight, 0); }));
  CHECK(fails_with(Fault::usage, "decay of -1", [&] { StandardisedHead(layer.weight, layer.bias, -1); }));
  const DatasetPtr data = subset_per_class(open_data("digits", {.split = {.validation = false}}).train, 2, 1);
  Loader loader(data, {.batch = 20, .background = false});
  const auto sgd = make_sgd({.rate = 0.1});
  const ModelPtr conv = find_model("squeezenet").make({.sample = Shape{32, 32, 1}}, 10);
  const HeadConfig standardised{.standardised = true};
  CHECK(fails_with(Fault::usage, "does not end in a dense layer",
                   [&] { Trainer(*conv, *sgd, loader, loader, {.head = standardised}); }));
  const ModelPtr mlp = find_model("mlp").make({.sample = data->info().shape}, 10);
  CHECK(fails_with(Fault::usage, "logits of deviation -2", [&] {
    Trainer(*mlp, *sgd, loader, loader, {.head = {.standardised = true, .logit_deviation = -2}});
  }));
}
