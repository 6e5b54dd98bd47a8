// Rate schedules against PyTorch's.
#include <doctest/doctest.h>

#include <cmath>

#include "optim/schedule.h"
#include "tests/engine/golden.h"
#include "tests/errors.h"

using namespace firn;
using namespace firn::test;

namespace {

/// The golden case as a schedule, and the base rate that its factors scale.
std::pair<Schedule, double> make(const Golden& golden) {
  const auto& o = golden.options;
  const double base = o["base_rate"];
  if (golden.name == "step") return {step_schedule(o["step_size"], o["gamma"]), base};
  if (golden.name.starts_with("cosine")) return {cosine_schedule(o["eta_min"].get<double>() / base), base};
  if (golden.name.starts_with("one_cycle")) {
    return {one_cycle_schedule(o.value("pct_start", 0.3), o.value("div_factor", 25.0),
                               o.value("final_div_factor", 1e4)),
            o["max_lr"]};
  }
  if (golden.name == "warm_up")
    return {warm_up(constant_schedule(), o["total_iters"], o["start_factor"]), base};
  // PyTorch begins the cosine after the warm-up: over the steps that are left.
  const Schedule cosine = cosine_schedule(o["low"].get<double>() / base);
  const Schedule after = [cosine](Index step, Index steps) {
    return step < 5 ? 1 : cosine(step - 5, steps - 5);
  };
  return {warm_up(after, 5, o["warm"]), base};
}

}  // namespace

TEST_CASE("rates are PyTorch's") {
  const std::vector<Golden> goldens = load_goldens("schedules.safetensors");
  CHECK(goldens.size() == 7);
  for (const Golden& golden : goldens) {
    CAPTURE(golden.name);
    const auto [schedule, base] = make(golden);
    const Tensor& rates = golden.at("rates");
    for (Index step = 0; step < 20; ++step) {
      CAPTURE(step);
      const double want = static_cast<double>(rates.data()[step]);
      CHECK(std::abs(base * schedule(step, 20) - want) <= 1e-7 * base);
    }
  }
}

TEST_CASE("which schedules begin alike however long a run is") {
  for (const char* text : {"constant", "step:7:0.5", "constant,warm-up:15", "step:3:0.1,warm-up:4"}) {
    CAPTURE(text);
    CHECK(same_beginning(parse_schedule(text), 10, 20));
  }
  for (const char* text : {"cosine", "one-cycle", "cosine,warm-up:4"}) {
    CAPTURE(text);
    CHECK_FALSE(same_beginning(parse_schedule(text), 10, 20));
  }
}

TEST_CASE("shapes of the schedules") {
  CHECK(constant_schedule()(17, 20) == 1);
  CHECK(cosine_schedule()(0, 100) == doctest::Approx(1));
  CHECK(cosine_schedule()(50, 100) == doctest::Approx(0.5));
  CHECK(std::abs(cosine_schedule()(100, 100)) < 1e-12);
  CHECK(step_schedule(10, 0.1)(9, 100) == 1);
  CHECK(step_schedule(10, 0.1)(20, 100) == doctest::Approx(0.01));
  CHECK(warm_up(constant_schedule(), 4)(0, 100) == 0);
  CHECK(warm_up(constant_schedule(), 4)(3, 100) == doctest::Approx(0.75));
  CHECK(warm_up(cosine_schedule(), 4)(50, 100) == doctest::Approx(0.5));
  const Schedule cycle = one_cycle_schedule();
  double greatest = 0;
  for (Index step = 0; step < 100; ++step) greatest = std::max(greatest, cycle(step, 100));
  CHECK(greatest == doctest::Approx(1).epsilon(1e-3));
  CHECK(cycle(0, 100) == doctest::Approx(1.0 / 25));
}

TEST_CASE("schedules by name") {
  CHECK(parse_schedule("constant")(5, 10) == 1);
  CHECK(parse_schedule("cosine")(5, 10) == cosine_schedule()(5, 10));
  CHECK(parse_schedule("one-cycle")(5, 10) == one_cycle_schedule()(5, 10));
  CHECK(parse_schedule("step:3:0.5")(7, 10) == doctest::Approx(0.25));
  CHECK(parse_schedule("cosine,warm-up:4")(2, 10) == doctest::Approx(0.5 * cosine_schedule()(2, 10)));
  CHECK(fails_with(Fault::usage, "cosine", [] { parse_schedule("cosin"); }));
  CHECK(fails_with(Fault::usage, "2 values", [] { parse_schedule("step:3"); }));
  CHECK(fails_with(Fault::usage, "'x': want a whole number of steps", [] { parse_schedule("step:x:0.1"); }));
  CHECK(fails_with(Fault::usage, "'0': want a whole number of steps", [] { parse_schedule("step:0:0.1"); }));
  CHECK(fails_with(Fault::usage, "warm-up", [] { parse_schedule("cosine,constant"); }));
  CHECK(fails_with(Fault::usage, "warm-up", [] { warm_up(constant_schedule(), -1); }));
  CHECK(fails_with(Fault::usage, "one-cycle", [] { one_cycle_schedule(1.5); }));
}
