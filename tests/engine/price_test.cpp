// Predicted times of programs.
#include "engine/program/price.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

#include "engine/base/rng.h"
#include "engine/ops/activation.h"
#include "engine/ops/dense.h"
#include "engine/ops/loss.h"
#include "engine/program/reuse.h"
#include "engine/program/step_timer.h"

using namespace firn;

namespace {

constexpr Index kBatch = 64, kWide = 256;

/// Dense layers with a ReLU between them, the first `frozen` of them frozen.
struct Net {
  Tensor x, labels;
  std::vector<ParameterPtr> weights;

  explicit Net(int layers = 3, Index batch = kBatch, Index wide = kWide)
      : x(Shape{batch, wide}), labels(Shape{batch}, DType::int32) {
    Random random(1, "price test");
    for (real& v : x.values()) v = static_cast<real>(random.uniform(-1, 1));
    for (Index i = 0; i < batch; ++i) labels.indices()[i] = static_cast<std::int32_t>(i % wide);
    for (int i = 1; i <= layers; ++i) {
      Tensor weight(Shape{wide, wide});
      for (real& v : weight.values()) v = static_cast<real>(random.uniform(-0.1, 0.1));
      weights.push_back(
          std::make_shared<Parameter>("fc" + std::to_string(i), std::move(weight), Role::weight));
    }
  }

  std::unique_ptr<Program> program(std::size_t frozen) {
    auto graph = std::make_unique<Graph>();
    Value y = graph->feed("x", x.shape());
    for (std::size_t i = 0; i < weights.size(); ++i) {
      weights[i]->set_trainable(i >= frozen);
      graph->set_block(static_cast<int>(i));
      const Scope scope(*graph, weights[i]->name());
      y = activate(*graph, Activation::relu, dense(*graph, y, graph->parameter(weights[i]), {}));
    }
    graph->set_block(-1);
    const Value loss =
        softmax_cross_entropy(*graph, y, graph->feed("labels", labels.shape(), DType::int32), {});
    auto program = Program::training(std::move(graph), loss, {.every_thread = true});
    program->feed("x", x);
    program->feed("labels", labels);
    return program;
  }
};

double sum(const PerPass<double>& p) {
  return p.forward + p.input_gradient + p.weight_gradient;
}

}  // namespace

TEST_CASE("every step has a price, and what is known is not measured again") {
  Net net;
  PriceList prices;
  const auto full = net.program(0);
  Index told = 0;
  const Forecast first = forecast(*full, 1, {}, prices, [&](Index left) { told = std::max(told, left); });
  CHECK(first.priced_anew == static_cast<Index>(prices.size()));
  CHECK(told == first.priced_anew);
  for (const auto& price : prices) {
    CAPTURE(price.first);
    CHECK(price.second >= 0);
    CHECK(price.second < 1);
  }
  const Forecast again = forecast(*full, 1, {}, prices);
  CHECK(again.priced_anew == 0);
  CHECK(again.seconds == first.seconds);
  CHECK(again.steps == first.steps);

  REQUIRE(first.blocks.size() == 3);
  PerPass<double> in_blocks;
  for (const PerPass<double>& block : first.blocks) {
    in_blocks.forward += block.forward;
    in_blocks.weight_gradient += block.weight_gradient;
  }
  CHECK(first.blocks[0].input_gradient < first.blocks[1].input_gradient);  // the rectifier alone
  CHECK(in_blocks.weight_gradient == doctest::Approx(first.total.weight_gradient));
  CHECK(in_blocks.forward < first.total.forward);  // the loss is in no block
  CHECK(sum(first.total) == doctest::Approx(first.seconds));
}

TEST_CASE("steps are laid out on threads as groups run them") {
  Net net;
  const auto program = net.program(1);
  PriceList prices;
  // A second for every call.
  for (const int threads : {1, 2, 3}) {
    forecast(*program, threads, {}, prices);
    for (auto& [key, seconds] : prices) seconds = 1;
    const Forecast got = forecast(*program, threads, {.region = 100, .barrier = 10}, prices);
    const Plan& plan = program->plan();
    double want = 100;
    for (const Group& group : plan.groups) {
      Index pieces = plan.slices, each = std::ssize(group.steps);
      if (!group.per_slice) {
        pieces = group.first_task.back();
        each = 1;
      }
      want += 10 + static_cast<double>((pieces + threads - 1) / threads * each);
    }
    REQUIRE(plan.batch % plan.slice_rows == 0);  // else the last piece would be shorter than a second
    CHECK(got.seconds == doctest::Approx(want));
    CHECK(got.waiting == 100 + 10 * static_cast<double>(plan.groups.size()));
  }
}

TEST_CASE("what is frozen costs what its program holds: less, and no gradients") {
  Net net;
  PriceList prices;
  const Forecast full = forecast(*net.program(0), 1, {}, prices);
  const Forecast frozen = forecast(*net.program(2), 1, {}, prices);
  CHECK(frozen.seconds < full.seconds);
  for (const std::size_t block : {0u, 1u}) {
    CHECK(frozen.blocks[block].weight_gradient == 0);
    CHECK(frozen.blocks[block].input_gradient == 0);
    CHECK(frozen.blocks[block].forward > 0);
  }
  CHECK(frozen.blocks[2].weight_gradient > 0);
  const ProgramBytes bytes = bytes_of(*net.program(2), 1);
  CHECK(bytes.arena == net.program(2)->arena_bytes(1));
  CHECK(bytes.once >= 2 * kWide * kWide * Index{sizeof(real)});  // two packed weights
}

TEST_CASE("operands are as old as what was touched since") {
  // Samples of as many bytes as a net of this width touches a hundred times over in a pass: what the first
  // layer reads was used a whole pass ago, what a layer hands to the next one just now.
  constexpr Index kSamples = 65536;
  Net net(3, kSamples, 16);
  const auto program = net.program(0);
  const Plan& plan = program->plan();
  const std::vector<Reuse> reuse = reuse_of(*program, 1);
  REQUIRE(reuse.size() == plan.steps.size());
  const Index feed = net.x.bytes();
  bool old_feed = false, fresh_value = false;
  for (std::size_t i = 0; i < reuse.size(); ++i) {
    REQUIRE(reuse[i].inputs.size() == plan.steps[i].inputs.size());
    REQUIRE(reuse[i].outputs.size() == plan.steps[i].outputs.size());
    for (std::size_t k = 0; k < reuse[i].inputs.size(); ++k) {
      const Value input = plan.steps[i].node->inputs()[k];
      // Ages are rounded, to at least half of what they are.
      if (input.node->is_feed() && input.node->label() == "x")
        old_feed = old_feed || reuse[i].inputs[k] >= feed / 2;
      fresh_value = fresh_value || (input.node->op() != nullptr && reuse[i].inputs[k] < feed / 2);
    }
  }
  CHECK(old_feed);
  CHECK(fresh_value);
}

TEST_CASE("a call sees a slice of what is cut, and all parts of what is summed") {
  Net net;
  const auto program = net.program(0);
  const Plan& plan = program->plan();
  const Spec batch{Shape{kBatch, kWide}, DType::number, Axis::batch};
  CHECK(bytes_of_call(plan, batch, true) == plan.slice_rows * kWide * Index{sizeof(real)});
  CHECK(bytes_of_call(plan, batch, false) == kBatch * kWide * Index{sizeof(real)});
  const Spec parts{Shape{kWide}, DType::number, Axis::slice};
  CHECK(bytes_of_call(plan, parts, false) == plan.slices * kWide * Index{sizeof(real)});
}

TEST_CASE("memory that is touched again and again counts once: a weight is no older than all there is") {
  // Frozen layers hand on through two buffers: what they touch adds up to many times what there is.
  constexpr int kLayers = 64;
  Net net(kLayers, 16384, 16);
  const auto program = net.program(kLayers - 1);
  const Index all = program->arena_bytes(1) + net.x.bytes() + net.labels.bytes() +
                    (2 * kLayers + 2) * net.weights[0]->value().bytes();  // as they are, packed; the gradient
  const std::vector<Reuse> reuse = reuse_of(*program, 1);
  for (std::size_t i = 0; i < reuse.size(); ++i) {
    // Ages are rounded, to at most twice what they are.
    for (const Index age : reuse[i].inputs) CHECK(age <= 2 * all);
    for (const Index age : reuse[i].outputs) CHECK(age <= 2 * all);
  }
}

TEST_CASE("overheads are seconds of a region and of a stage in it") {
  for (const int threads : {1, 2}) {
    CAPTURE(threads);
    const Overheads overheads = measure_overheads(threads);
    // A stage takes some atomic operations at least; with other programs on the cores it may take long.
    CHECK(overheads.barrier > 1e-9);
    CHECK(overheads.barrier < 0.01);
    CHECK(overheads.region < 0.1);
  }
}

TEST_CASE("sampling ends whatever the clock says, and takes the median") {
  const auto samples_of = [](Index calls, double seconds) {
    int count = 0;
    CHECK(sampled_seconds(calls, [&] {
            ++count;
            return seconds;
          }) == seconds);
    return count;
  };
  CHECK(samples_of(1, 0) == 1000);      // nothing that the clock could see
  CHECK(samples_of(1, -1e-7) == 1000);  // less than reading the clock takes
  CHECK(samples_of(1, 1e-9) == 1000);
  CHECK(samples_of(1, 1.1e-5) == 455);  // 5 ms in all
  CHECK(samples_of(50, 1.1e-5) == 11);
  CHECK(samples_of(1, 1e-3) == 11);
  CHECK(samples_of(1, 0.011) == 5);  // 55 ms
  CHECK(samples_of(1, 1) == 5);
  int turn = 0;
  CHECK(sampled_seconds(1, [&] { return ++turn % 5 == 0 ? 1.0 : 0.2; }) == 0.2);
}
