// The statistics that policies decide on.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "engine/base/parallel.h"
#include "engine/base/rng.h"
#include "optim/block_statistics.h"
#include "tests/optim/policy_blocks.h"

using namespace firn;
using namespace firn::test;

namespace {

void set(Parameter& parameter, real first, real second) {
  parameter.mutable_value().data()[0] = first;
  parameter.mutable_value().data()[1] = second;
}

Parameter& weight(Blocks& blocks, int block) {
  return *blocks.blocks[static_cast<std::size_t>(block)].parameters[0];
}
Parameter& bias(Blocks& blocks, int block) {
  return *blocks.blocks[static_cast<std::size_t>(block)].parameters[1];
}

}  // namespace

TEST_CASE("norms of gradients and weights by block") {
  Blocks made(3);
  set(weight(made, 0), 3, 0);
  set(bias(made, 0), 0, 4);
  set(weight(made, 1), 6, 8);
  made.add(0, "running_mean", Role::statistic).mutable_value().fill(100);  // is no weight
  BlockStatisticsCollector collector(made.blocks);
  real a[] = {1, 2}, b[] = {2, 4}, c[] = {5, 12};
  const Needs needs{.gradient_norms = true, .weight_norms = true};
  const std::vector<GradientView> gradients{
      {&weight(made, 0), a, 2}, {&bias(made, 0), b, 2}, {&weight(made, 1), c, 2}};
  collector.before_update(needs, gradients);
  const auto s = collector.blocks();
  CHECK(s[0].gradient_norm == 5);
  CHECK(s[1].gradient_norm == 13);
  CHECK(s[2].gradient_norm == 0);
  CHECK(s[0].weight_norm == 5);
  CHECK(s[1].weight_norm == 10);
  CHECK((s[0].trains && s[1].trains && !s[2].trains));
  collector.before_update({}, {});  // what is not needed stays
  CHECK(s[0].gradient_norm == 5);
  CHECK(!s[0].trains);
}

TEST_CASE("gradients are added up, and their 1-norm is that of the sum") {
  Blocks made(2);
  BlockStatisticsCollector collector(made.blocks);
  real a[] = {1, -2};
  const std::vector<GradientView> gradients{{&weight(made, 0), a, 2}};
  collector.before_update({.add_gradients = true}, gradients);
  a[0] = -3;
  a[1] = -1;
  collector.before_update({.add_gradients = true, .gradient_sums = true}, gradients);
  CHECK(collector.blocks()[0].gradient_sum == 5);  // abs(1 - 3) + abs(-2 - 1), not 7
  CHECK(collector.blocks()[1].gradient_sum == 0);
  collector.before_update({.add_gradients = true, .gradient_sums = true}, gradients);
  CHECK(collector.blocks()[0].gradient_sum == 4);  // begun anew
}

TEST_CASE("relative change since the last time that a block trained") {
  Blocks made(2);
  BlockStatisticsCollector collector(made.blocks);
  real g[] = {1, 1};
  CHECK(collector.blocks()[0].change == std::numeric_limits<double>::infinity());
  set(weight(made, 0), 2, -4);
  set(bias(made, 0), 0, 1);  // the 0 does not count
  const std::vector<GradientView> both{{&weight(made, 0), g, 2}, {&bias(made, 0), g, 2}};
  collector.before_update({.keep_weights = true}, both);
  set(weight(made, 0), 1, -5);
  set(bias(made, 0), 7, 1);
  collector.after_update({.weight_changes = true});
  CHECK(collector.blocks()[0].change == doctest::Approx((0.5 + 0.25 + 0) / 3));
  CHECK(collector.blocks()[1].change == std::numeric_limits<double>::infinity());
  collector.before_update({.keep_weights = true}, {});  // frozen: what was known stays
  set(weight(made, 0), 100, 100);
  collector.after_update({.weight_changes = true});
  CHECK(collector.blocks()[0].change == doctest::Approx(0.25));
}

TEST_CASE("distance of activations from a reference") {
  // A A^T is diag(1, 4), its rows normalised the identity; for equal rows it is all ones, normalised
  // 1/sqrt 2.
  const real apart[] = {1, 0, 0, 2}, equal[] = {1, 0, 1, 0};
  const std::vector<double> b = similarity({apart, 2, 2});
  CHECK(b == std::vector<double>{1, 0, 0, 1});
  const std::vector<double> other = similarity({equal, 2, 2});
  for (const double x : other) CHECK(x == doctest::Approx(std::sqrt(0.5)));
  const double p = (2 * std::pow(1 - std::sqrt(0.5), 2) + 2 * 0.5) / 4;
  CHECK(similarity_distance(b, other, 2) == doctest::Approx(p));
  const real zeros[] = {0, 0, 0, 0};
  CHECK(similarity({zeros, 2, 2}) == std::vector<double>(4, 0));

  Blocks made(1);
  BlockStatisticsCollector collector(made.blocks);
  const std::vector<Activations> first{{equal, 2, 2}}, second{{apart, 2, 2}};
  collector.compare({.reference = true}, first);
  CHECK(collector.blocks()[0].distance == 0);
  collector.compare({.distances = true}, second);
  CHECK(collector.blocks()[0].distance == doctest::Approx(p));
  collector.compare({.distances = true, .reference = true}, second);  // measured, then taken
  CHECK(collector.blocks()[0].distance == doctest::Approx(p));
  collector.compare({.distances = true}, second);
  CHECK(collector.blocks()[0].distance == 0);
}

TEST_CASE("the same bits on 1, 2, 3 and 7 threads") {
  constexpr Index kCount = 100003;
  Parameter parameter("w", Tensor(Shape{kCount}), Role::weight);
  std::vector<PolicyBlock> blocks{{0, "w", {&parameter}}};
  std::vector<real> gradient(kCount);
  Random random(1, "statistics");
  for (real& g : gradient) g = static_cast<real>(random.normal());
  const std::vector<GradientView> gradients{{&parameter, gradient.data(), kCount}};
  const Needs all{.gradient_norms = true,
                  .weight_norms = true,
                  .add_gradients = true,
                  .gradient_sums = true,
                  .keep_weights = true,
                  .weight_changes = true};
  std::vector<double> first;
  for (const int threads : {1, 2, 3, 7}) {
    set_thread_count(threads);
    Random start(2, "weights");
    for (real& w : parameter.mutable_value().values()) w = static_cast<real>(start.normal());
    BlockStatisticsCollector collector(blocks);
    collector.before_update(all, gradients);
    for (Index i = 0; i < kCount; ++i)
      parameter.mutable_value().data()[i] -= real(0.1) * gradient[static_cast<std::size_t>(i)];
    collector.after_update(all);
    const BlockStatistics& s = collector.blocks()[0];
    const std::vector<double> now{s.gradient_norm, s.weight_norm, s.gradient_sum, s.change};
    if (first.empty()) first = now;
    CHECK(now == first);
    CHECK(s.gradient_norm == doctest::Approx(std::sqrt(kCount)).epsilon(0.02));
    CHECK(s.gradient_sum == doctest::Approx(kCount * std::sqrt(2 / 3.14159265)).epsilon(0.02));
  }
  set_thread_count(1);
}
