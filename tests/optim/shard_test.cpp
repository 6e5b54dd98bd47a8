// What several processes need of a step: gradients in one piece, and rows that know their place in a larger
// batch.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>

#include "engine/base/rng.h"
#include "layers/network/network.h"
#include "layers/tasks/usual.h"
#include "layers/training_graph.h"
#include "optim/optimizer.h"

using namespace firn;

namespace {

constexpr Index kRows = 12, kFeatures = 20;

ModelPtr small_model() {
  const ModelPtr model = make_builtin("small", "dense 32, relu, dropout 0.5, dense 16, norm, relu, dense",
                                      {Shape{kFeatures}}, 4);
  model->initialise(1);
  return model;
}

std::unique_ptr<Program> step_of(const Model& model, Index rows) {
  TrainingGraph built = training_graph(model, *usual_task(model), rows, Shape{kFeatures}, {.seed = 5});
  return Program::training(std::move(built.graph), built.loss);
}

struct Samples {
  Tensor x, targets;
  Samples(Index first, Index rows) : x(Shape{rows, kFeatures}), targets(Shape{rows}, DType::int32) {
    Random random(7, "samples");
    for (Index i = 0; i < first * kFeatures; ++i) random.normal();
    for (real& value : x.values()) value = static_cast<real>(random.normal());
    for (Index i = 0; i < rows; ++i) targets.indices()[i] = static_cast<std::int32_t>((first + i) % 4);
  }
};

void run(Program& program, const Samples& samples, Index before, std::uint64_t step) {
  program.feed("x", samples.x);
  program.feed("targets", samples.targets);
  program.set_rows_before(before);
  program.run(step);
}

}  // namespace

TEST_CASE("all gradients lie in one piece, in their order, also where something is frozen") {
  for (const char* frozen : {"none", "dense1", "role:bias"}) {
    CAPTURE(frozen);
    const ModelPtr model = small_model();
    model->set_freeze(frozen);
    const auto program = step_of(*model, kRows);
    CHECK(program->gradient_region().empty());
    const Samples samples(0, kRows);
    run(*program, samples, 0, 0);
    const std::span<real> region = program->gradient_region();
    const real* at = region.data();
    for (const GradientView& gradient : program->gradients()) {
      CHECK(gradient.data == at);
      at += (gradient.count + 15) / 16 * 16;
    }
    CHECK(at == region.data() + region.size());
    CHECK(reinterpret_cast<std::uintptr_t>(region.data()) % 64 == 0);
  }
}

TEST_CASE("what is written into the gradients is what the optimizer sees") {
  const ModelPtr one = small_model(), other = small_model();
  const Samples samples(0, kRows);
  for (const ModelPtr& model : {one, other}) {
    const auto program = step_of(*model, kRows);
    run(*program, samples, 0, 0);
    const bool doubled = model == other;
    if (doubled) {
      for (const GradientView& g : program->gradients())
        std::for_each_n(g.data, g.count, [](real& v) { v *= 2; });
    }
    make_sgd({.rate = doubled ? 0.05 : 0.1})->step(program->gradients());
  }
  for (std::size_t i = 0; i < one->parameters().size(); ++i) {
    const Tensor &a = one->parameters()[i].parameter->value(), &b = other->parameters()[i].parameter->value();
    CHECK(std::equal(a.values().begin(), a.values().end(), b.values().begin()));
  }
}

TEST_CASE("dropout drops the same of a row, alone or within a larger batch") {
  const ModelPtr model = small_model();
  model->set_freeze("norm1");  // else the rows see each other's statistics
  const auto whole = step_of(*model, kRows);
  for (const std::uint64_t step : {0, 1}) {
    const Samples all(0, kRows);
    run(*whole, all, 0, step);
    const Tensor logits = whole->output("logits");
    bool moved = false;
    for (const Index first : {0, 5}) {
      const Index rows = first == 0 ? 5 : kRows - 5;
      const auto piece = step_of(*model, rows);
      const Samples some(first, rows);
      const auto same = [&](Index before) {
        run(*piece, some, before, step);
        return std::memcmp(piece->output("logits").data(), logits.data() + first * 4,
                           static_cast<std::size_t>(rows * 4) * sizeof(real)) == 0;
      };
      CHECK(same(first));
      moved = moved || !same(first + 3);
    }
    CHECK(moved);
  }
}
