#include "engine/program/cost.h"

#include <doctest/doctest.h>

#include "engine/base/parallel.h"
#include "tests/engine/small_nets.h"

using namespace firn;

namespace {

/// Two blocks and what is in none of them: F 1, X 2, W 4 for the first; ten times that for the second, a
/// hundred times for the rest.
const BlockTimes kTimes{{1, 2, 4}, {10, 20, 40}, {100, 200, 400}};

}  // namespace

TEST_CASE("the predicted step is all F, X above and in the lowest block that trains, W of those that train") {
  CHECK(predict_step(kTimes, {true, true}) == 111 + 222 + 444);
  CHECK(predict_step(kTimes, {false, true}) == 111 + 220 + 440);
  CHECK(predict_step(kTimes, {true, false}) == 111 + 222 + 404);
  CHECK(predict_backward(kTimes, {false, true}) == 220 + 440);
  CHECK(predict_step(kTimes, {false, false}) == 111);
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
    const BlockTimes times = block_times(*program, 0);
    REQUIRE(times.size() == 1);
    const double a_run = times[0].forward + times[0].input_gradient + times[0].weight_gradient;
    CHECK(a_run > 0);
    CHECK(a_run * runs == doctest::Approx(seconds));
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
  const ProgramCost frozen = cost_of(*net->training());
  CHECK(full.total.forward.macs == frozen.total.forward.macs);
  CHECK(frozen.total.weight_gradient.macs < full.total.weight_gradient.macs);
  CHECK(frozen.total.input_gradient.macs < full.total.input_gradient.macs);
  CHECK(frozen.kept_bytes < full.kept_bytes);
  CHECK(full.once.bytes < frozen.once.bytes);
}
