// How often the intervals of a study hold the truth, by simulation: of training runs and of test parts that
// were drawn again. FIRN_COVERAGE_TRIALS=20000 makes the table of docs/study.md.
#include <doctest/doctest.h>
#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <vector>

#include "engine/base/rng.h"
#include "tools/app/study/statistics.h"

namespace {

using namespace firn;
using namespace firn::cli;

struct World {
  std::size_t seeds, items;
  bool skewed;                     // exponential effects of seeds in the place of normal ones
  double between;                  // deviation of the seeds' effects
  double item = 0.15, rest = 0.2;  // of a paired answer: right here and wrong there is 1
};

/// Differences by seed and item whose true mean is 0.
std::vector<float> draw(const World& world, Random& random) {
  std::vector<double> of_item(world.items);
  for (double& x : of_item) x = world.item * random.normal();
  std::vector<float> table;
  for (std::size_t s = 0; s < world.seeds; ++s) {
    const double effect = world.skewed ? -std::log(1 - random.uniform()) - 1 : random.normal();
    for (std::size_t i = 0; i < world.items; ++i)
      table.push_back(static_cast<float>(world.between * effect + of_item[i] + world.rest * random.normal()));
  }
  return table;
}

bool holds(const Interval& interval) {
  return interval.low <= 0 && 0 <= interval.high;
}

/// Seeds alone: what intervals were before, and what most papers print.
Estimate of_seeds(const std::vector<float>& table, const World& world) {
  std::vector<double> means(world.seeds);
  for (std::size_t i = 0; i < table.size(); ++i)
    means[i / world.items] += static_cast<double>(table[i]) / static_cast<double>(world.items);
  return estimate(means);
}

/// Percentiles of means over resampled seeds and items. Every resample of the seeds comes as often as it
/// would be drawn, where there are up to eight; the mean over resampled items is normal with the variance of
/// the items' means. Percentiles widened for few seeds (Hesterberg 2015).
Interval resampled(const std::vector<float>& table, const World& world) {
  struct Part {
    double mean, deviation, times;
  };
  std::vector<Part> parts;
  std::vector<double> counts(world.seeds);
  const auto n = static_cast<double>(world.seeds), items = static_cast<double>(world.items);
  const auto add = [&](double times) {
    double sum = 0, squares = 0;
    for (std::size_t i = 0; i < world.items; ++i) {
      double of_item = 0;
      for (std::size_t s = 0; s < world.seeds; ++s)
        of_item += counts[s] * static_cast<double>(table[s * world.items + i]) / n;
      sum += of_item;
      squares += of_item * of_item;
    }
    const double mean = sum / items;
    parts.push_back({mean, std::sqrt(std::max(0.0, squares / items - mean * mean) / items), times});
  };
  const auto share_out = [&](const auto& self, std::size_t seed, std::size_t left, double times) -> void {
    if (seed + 1 == world.seeds) {
      counts[seed] = static_cast<double>(left);
      return add(times);
    }
    double ways = 1;
    for (std::size_t count = 0; count <= left; ++count) {
      counts[seed] = static_cast<double>(count);
      self(self, seed + 1, left - count, times * ways);
      ways = ways * static_cast<double>(left - count) / static_cast<double>(count + 1);
    }
  };
  share_out(share_out, 0, world.seeds, 1);
  double all = 0;
  for (const Part& part : parts) all += part.times;
  const double t = student_quantile(0.975, n - 1), tail = normal_share(-t * std::sqrt(n / (n - 1)));
  const auto percentile = [&](double share) {
    double low = -1, high = 1;
    for (int i = 0; i < 40; ++i) {
      const double middle = (low + high) / 2;
      double below = 0;
      for (const Part& part : parts)
        below += part.times * normal_share((middle - part.mean) / part.deviation);
      (below < share * all ? low : high) = middle;
    }
    return (low + high) / 2;
  };
  return {percentile(tail), percentile(1 - tail)};
}

TEST_CASE("intervals over seeds and test items hold the truth in 93 to 97 of 100 studies") {
  const char* asked = std::getenv("FIRN_COVERAGE_TRIALS");
  const int trials = asked != nullptr ? std::max(1, std::atoi(asked)) : 800;
  for (const bool skewed : {false, true}) {
    for (const std::size_t seeds : {5u, 10u, 20u}) {
      for (const double between : {0.003, 0.01, 0.02}) {
        const World world{seeds, 200, skewed, between};
        Random random(7, "coverage", seeds * 2 + (skewed ? 1 : 0));
        int held = 0, alone = 0;
        for (int trial = 0; trial < trials; ++trial) {
          const std::vector<float> table = draw(world, random);
          held += holds(estimate(table, world.seeds, world.items).interval()) ? 1 : 0;
          alone += holds(of_seeds(table, world).interval()) ? 1 : 0;
        }
        const double share = 100.0 * held / trials, seeds_alone = 100.0 * alone / trials;
        const std::string row =
            fmt::format("{} {} seeds, {:.1f} points between them: {:.1f} %; seeds alone {:.1f} %",
                        skewed ? "skewed" : "normal", seeds, 100 * between, share, seeds_alone);
        CAPTURE(row);
        if (asked != nullptr) MESSAGE(row);
        // 0.8 % is the deviation of a share of 800.
        CHECK(share > 93 - (trials < 5000 ? 1.2 : 0));
        CHECK(share < 97 + (trials < 5000 ? 1.2 : 0));
        if (between < 0.005) CHECK(seeds_alone < 90);
      }
    }
  }
}

TEST_CASE(
    "where seeds differ much and askew, five are too few for any interval, and it is known by how much") {
  const World world{5, 1000, true, 0.03};
  Random random(8, "coverage");
  int held = 0;
  constexpr int kTrials = 800;
  for (int trial = 0; trial < kTrials; ++trial)
    held += holds(estimate(draw(world, random), world.seeds, world.items).interval()) ? 1 : 0;
  CHECK(held > 0.87 * kTrials);
  CHECK(held < 0.93 * kTrials);
}

TEST_CASE("resampling seeds and items, every one, is wider than it need be; Student's is not") {
  const World world{5, 200, false, 0.01};
  Random random(9, "coverage");
  int held = 0;
  double width = 0, of_student = 0;
  constexpr int kTrials = 100;
  for (int trial = 0; trial < kTrials; ++trial) {
    const std::vector<float> table = draw(world, random);
    const Interval all = resampled(table, world), student = estimate(table, 5, 200).interval();
    held += holds(all) ? 1 : 0;
    width += all.high - all.low;
    of_student += student.high - student.low;
  }
  CAPTURE(held);
  CHECK(held >= 0.98 * kTrials);
  CHECK(width > 1.3 * of_student);
}

}  // namespace
