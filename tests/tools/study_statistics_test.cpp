// The study's statistics against cases worked out by hand and against published tables.
#include "tools/app/study/statistics.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "engine/base/rng.h"

namespace {

using namespace firn;
using namespace firn::cli;

TEST_CASE("mean, deviation, pairs") {
  const std::vector<double> a{0.5, 0.7, 0.9};
  CHECK(mean_of(a) == doctest::Approx(0.7));
  CHECK(deviation_of(a) == doctest::Approx(0.2));
  CHECK(deviation_of(std::vector<double>{0.3}) == 0);
  CHECK(paired(a, std::vector<double>{0.4, 0.8, 0.6})[1] == doctest::Approx(-0.1));
}

TEST_CASE("Student's quantiles and the normal distribution as in tables") {
  CHECK(student_quantile(0.975, 1) == doctest::Approx(12.7062).epsilon(1e-4));
  CHECK(student_quantile(0.975, 4) == doctest::Approx(2.77645).epsilon(1e-5));
  CHECK(student_quantile(0.995, 9) == doctest::Approx(3.24984).epsilon(1e-5));
  CHECK(student_quantile(0.975, 100) == doctest::Approx(1.98397).epsilon(1e-5));
  CHECK(normal_share(0) == 0.5);
  CHECK(normal_share(-1.959964) == doctest::Approx(0.025).epsilon(1e-5));
}

TEST_CASE("an interval of the mean: Student's for few values, near it for many, the same every time") {
  Bootstrap bootstrap;
  // 0.5 -+ 4.30265 x 0.1 / sqrt(3)
  const std::vector<double> three{0.4, 0.5, 0.6};
  CHECK(bootstrap.mean(three).low == doctest::Approx(0.5 - 0.248414).epsilon(1e-5));
  CHECK(bootstrap.mean(three).high == doctest::Approx(0.5 + 0.248414).epsilon(1e-5));
  // Of five values the outermost resample, five times the least one, has a chance of 1 in 3125: the
  // percentile of 0.00095 is the next one, (4 x 0.1 + 0.2) / 5, which comes five times.
  const std::vector<double> five{0.1, 0.2, 0.3, 0.4, 0.5};
  CHECK(bootstrap.mean(five).low == doctest::Approx(0.12));
  CHECK(bootstrap.mean(five).high == doctest::Approx(0.48));
  const std::vector<double> one{0.4};
  CHECK(bootstrap.mean(one).low == 0.4);
  CHECK(bootstrap.mean(one).high == 0.4);

  Random random(3, "values");
  std::vector<double> many;
  for (int i = 0; i < 40; ++i) many.push_back(10 + random.normal());
  const double half = student_quantile(0.975, 39) * deviation_of(many) / std::sqrt(40);
  const Interval interval = bootstrap.mean(many);
  CHECK(interval.low == doctest::Approx(mean_of(many) - half).epsilon(0.01));
  CHECK(interval.high == doctest::Approx(mean_of(many) + half).epsilon(0.01));
  Bootstrap other;
  CHECK(other.mean(many).low == interval.low);
  CHECK(other.mean(many, 0.99).low < interval.low);
}

TEST_CASE("up to eight values every resample counts") {
  Bootstrap bootstrap;
  CHECK(bootstrap.method(1) == IntervalMethod::none);
  CHECK(bootstrap.method(4) == IntervalMethod::student);
  CHECK(bootstrap.method(5) == IntervalMethod::enumerated);
  CHECK(bootstrap.method(5, 0.995) == IntervalMethod::student);
  CHECK(bootstrap.method(8) == IntervalMethod::enumerated);
  CHECK(bootstrap.method(9) == IntervalMethod::sampled);
  // All 6^6 draws, one by one.
  const std::vector<double> six{0.31, 0.4, 0.45, 0.52, 0.7, 0.9};
  std::vector<double> means;
  for (int draw = 0; draw < 46656; ++draw) {
    double total = 0;
    for (int i = 0, rest = draw; i < 6; ++i, rest /= 6) total += six[static_cast<std::size_t>(rest % 6)];
    means.push_back(total / 6);
  }
  std::sort(means.begin(), means.end());
  const double share = normal_share(-student_quantile(0.975, 5) * std::sqrt(6.0 / 5));
  const auto at = static_cast<std::size_t>(std::ceil(share * 46656)) - 1;
  CHECK(bootstrap.mean(six).low == doctest::Approx(means[at]).epsilon(1e-12));
  CHECK(bootstrap.mean(six).high == doctest::Approx(means[means.size() - 1 - at]).epsilon(1e-12));
}

TEST_CASE("the intervals hold what they promise, for five seeds") {
  Bootstrap bootstrap;
  Random random(7, "coverage");
  int held = 0;
  constexpr int kTrials = 600;
  for (int trial = 0; trial < kTrials; ++trial) {
    std::vector<double> values;
    for (int i = 0; i < 5; ++i) values.push_back(random.normal());
    const Interval interval = bootstrap.mean(values);
    held += interval.above(0) || interval.below(0) ? 0 : 1;
  }
  // The range of five values holds the mean in 15 of 16 cases, plain percentiles do in about 83 %.
  CHECK(held > 0.9 * kTrials);
}

TEST_CASE("calibration by hand") {
  Calibration sure;
  for (int i = 0; i < 4; ++i) sure.add(1.0, true);
  CHECK(sure.error() == 0);
  Calibration two;
  // Bin 13 (0.867 to 0.933): 0.9 twice, one right: distance 0.4. Bin 3: 0.25 once, wrong: distance 0.25.
  two.add(0.9, true);
  two.add(0.9, false);
  two.add(0.25, false);
  CHECK(two.error() == doctest::Approx((2 * 0.4 + 0.25) / 3));
  CHECK(Calibration().error() == 0);
}

TEST_CASE("what a difference says") {
  CHECK(finding({0.01, 0.2}, true) == "better");
  CHECK(finding({0.01, 0.2}, false) == "worse");
  CHECK(finding({-0.3, -0.1}, true) == "worse");
  CHECK(finding({-0.1, 0.2}, true) == "no difference seen");
  CHECK(finding({0, 0}, true) == "no difference seen");
  const double none = std::numeric_limits<double>::quiet_NaN();
  CHECK(finding({none, none}, true) == "no difference seen");
}

}  // namespace
