#include "engine/program/cost.h"

#include <doctest/doctest.h>

#include "engine/base/error.h"
#include "engine/base/parallel.h"
#include "engine/ops/dense.h"
#include "engine/ops/reduce.h"
#include "tests/engine/small_nets.h"

using namespace firn;

TEST_CASE("a prediction adds up the measured steps that the other program holds too") {
  const auto net = test::make_mlp_net();
  const auto full = net->training();
  const std::size_t steps = full->plan().steps.size();
  // Powers of two: each sum of them is exact and says what is in it.
  std::vector<double> seconds(steps);
  PerPass<double> want_full;
  PerPass<double> want;
  net->freeze("fc1");
  const auto frozen = net->training();
  for (std::size_t i = 0; i < steps; ++i) {
    seconds[i] = static_cast<double>(std::uint64_t{1} << i);
    const Node& node = *full->plan().steps[i].node;
    want_full.of(node.pass()) += seconds[i];
    // Frozen, fc1 is packed once and not in a step, has no gradients, and nothing behind it needs its input
    // gradient.
    const bool gone =
        (node.label() == "fc1" && (node.kind() == "pack" || node.pass() != Pass::forward)) ||
        (node.label() == "fc2" && (node.kind() == "dense_dx" || node.kind() == "pack_transposed"));
    if (!gone && node.kind() != "relu_gradient") want.of(node.pass()) += seconds[i];
  }
  REQUIRE(steps < 50);
  const PerPass<double> same = predicted_seconds(*full, seconds, *full);
  CHECK(same.forward == want_full.forward);
  CHECK(same.input_gradient == want_full.input_gradient);
  CHECK(same.weight_gradient == want_full.weight_gradient);
  CHECK(seconds_by_pass(*full, seconds).forward == want_full.forward);
  const PerPass<double> less = predicted_seconds(*full, seconds, *frozen);
  CHECK(less.forward == want.forward);
  CHECK(less.input_gradient == want.input_gradient);
  CHECK(less.weight_gradient == want.weight_gradient);
}

TEST_CASE("timing counts its runs, and the times of a run's steps are no longer than the run") {
  const int threads = thread_count();
  set_thread_count(1);
  const auto net = test::make_conv_net();
  const auto program = net->training();
  program->run();
  for (const int runs : {3, 1, 7}) {
    program->set_timing(true);
    double seconds = 0;
    for (int i = 0; i < runs; ++i) {
      program->run();
      seconds = 0;
      for (const double time : program->step_times()) seconds += time;
    }
    CHECK(program->timed_runs() == static_cast<std::uint64_t>(runs));
    const PerPass<double> passes = seconds_by_pass(*program, program->step_times());
    CHECK(passes.forward > 0);
    CHECK(passes.forward + passes.input_gradient + passes.weight_gradient == doctest::Approx(seconds));
  }
  program->set_timing(false);
  program->run();
  CHECK(program->timed_runs() == 0);
  set_thread_count(threads);
}

TEST_CASE("what a program costs is counted by pass") {
  const auto net = test::make_mlp_net();
  const ProgramCost full = cost_of(*net->training());
  net->freeze("fc1");
  net->freeze("fc2");
  const ProgramCost frozen = cost_of(*net->training());
  CHECK(full.total.forward.macs == frozen.total.forward.macs);
  CHECK(frozen.total.weight_gradient.macs < full.total.weight_gradient.macs);
  CHECK(frozen.total.input_gradient.macs < full.total.input_gradient.macs);
  CHECK(frozen.kept_bytes < full.kept_bytes);
  CHECK(full.once.bytes < frozen.once.bytes);
}

TEST_CASE("what is left out for a frozen bias takes no multiply-adds, whatever role its maker gave it") {
  const auto parameter = [](const char* name, Shape shape, bool trains) {
    auto made = std::make_shared<Parameter>(name, Tensor(shape), Role::weight);
    made->set_trainable(trains);
    return made;
  };
  auto graph = std::make_unique<Graph>();
  const Value x = graph->feed("x", {8, 4});
  const Value h = dense(*graph, x, graph->parameter(parameter("w1", {4, 3}, false)),
                        graph->parameter(parameter("b1", {3}, false)));
  const Value y = dense(*graph, h, graph->parameter(parameter("w2", {3, 2}, true)));
  const Value loss = mean(*graph, y);
  const auto program = Program::training(std::move(graph), loss);
  double weight = -1, bias = -1;
  for (const LeftOut& item : program->left_out()) {
    if (item.what == "gradient of w1") weight = item.macs;
    if (item.what == "gradient of b1") bias = item.macs;
  }
  CHECK(weight == 8 * 4 * 3);
  CHECK(bias == 0);
}

TEST_CASE("a network without parameters has nothing to train, and that is what is said") {
  auto graph = std::make_unique<Graph>();
  const Value loss = mean(*graph, graph->feed("x", {8, 4}));
  try {
    Program::training(std::move(graph), loss);
    FAIL("it was compiled");
  } catch (const Error& error) {
    CHECK(std::string(error.what()).find("the network has no parameters") != std::string::npos);
  }
}
