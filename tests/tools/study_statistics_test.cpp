// The study's statistics against cases worked out by hand and against published tables.
#include "tools/app/study/statistics.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "tools/app/study/pooling.h"

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
  CHECK(student_quantile(0.975, 2.5) == doctest::Approx(3.5746548).epsilon(1e-5));  // scipy's
  CHECK(student_quantile(0.975, 1e6) == doctest::Approx(1.959966).epsilon(1e-6));
  CHECK(student_share(-2, 4) == doctest::Approx(0.058058).epsilon(1e-4));
  CHECK(student_quantile(0.975, 100) == doctest::Approx(1.98397).epsilon(1e-5));
  CHECK(normal_share(0) == 0.5);
  CHECK(normal_share(-1.959964) == doctest::Approx(0.025).epsilon(1e-5));
}

TEST_CASE("an estimate of seeds alone: Student's, as in the textbook") {
  // 0.5 -+ 4.30265 x 0.1 / sqrt(3)
  const std::vector<double> three{0.4, 0.5, 0.6};
  const Estimate e = estimate(three);
  CHECK(e.interval().low == doctest::Approx(0.5 - 0.248414).epsilon(1e-5));
  CHECK(e.interval().high == doctest::Approx(0.5 + 0.248414).epsilon(1e-5));
  CHECK(e.interval(0.99).low < e.interval().low);
  const Estimate one = estimate(std::vector<double>{0.4});
  CHECK(one.interval().low == 0.4);
  CHECK(one.p() == 1);
  // t = 2 with 4 degrees: P(|T| > 2) = 0.116117
  CHECK(Estimate{2, 1, 4}.p() == doctest::Approx(0.116117).epsilon(1e-5));
  CHECK(Estimate{0.1, 0, 4}.p() == 0);
  CHECK(Estimate{0, 0, 4}.p() == 1);
  CHECK(Estimate{1, 0.5, 4}.interval().above(0) == (Estimate{1, 0.5, 4}.p() < 0.05));
}

TEST_CASE("an estimate of seeds and test items by hand") {
  // Two seeds, three items. Means of rows 2 and 4, of columns 2, 3, 4, of all 3.
  const std::vector<float> table{1, 2, 3, 3, 4, 5};
  const Estimate e = estimate(table, 2, 3);
  CHECK(e.mean == doctest::Approx(3));
  // MS_seeds 3 x (1 + 1) / 1 = 6, MS_items 2 x (1 + 0 + 1) / 2 = 2, nothing is left: (6 + 2 - 0) / 6.
  CHECK(e.error == doctest::Approx(std::sqrt(8.0 / 6)));
  CHECK(e.degrees == doctest::Approx(64.0 / (36.0 / 1 + 4.0 / 2)));
  const Spread s = spread(table, 2, 3);
  CHECK(s.seeds == doctest::Approx(2));
  CHECK(s.items == doctest::Approx(1));
  CHECK(s.rest == doctest::Approx(0));
  // Seeds that differ and items that do not: seeds alone.
  const std::vector<float> seeds{0, 0, 0, 0, 2, 2, 2, 2};
  CHECK(estimate(seeds, 2, 4).degrees == 1);
  CHECK(estimate(std::vector<float>{1, 0, 1, 1}, 1, 4).degrees == 0);
  CHECK(estimate(std::vector<float>{1, 1, 1, 1}, 2, 2).error == 0);
}

TEST_CASE("how many seeds tell a point") {
  // Deviation 1 point, items that do not matter: n = 10 has a power of 0.80 (tables of the paired t test).
  const Spread one{1e-4, 0, 0};
  CHECK(seeds_to_tell(0.01, one, 1000) == 10);
  CHECK(seeds_to_tell(0.02, one, 1000) == 5);
  // Deviation 0.3 between 200 items: an error of 2.1 points that no seed takes away.
  CHECK_FALSE(seeds_to_tell(0.01, {1e-4, 0.09, 0}, 200));
  CHECK(*seeds_to_tell(0.01, {1e-4, 0.09, 0}, 10000) > 10);
  CHECK(seeds_to_tell(0.01, {}, 100) == 2);
}

TEST_CASE("Holm by hand") {
  const std::vector<double> p{0.01, 0.04, 0.03, 0.005};
  const std::vector<double> a = holm(p);
  CHECK(a[3] == doctest::Approx(0.02));
  CHECK(a[0] == doctest::Approx(0.03));
  CHECK(a[2] == doctest::Approx(0.06));
  CHECK(a[1] == doctest::Approx(0.06));  // never less than that before it
  CHECK(holm(std::vector<double>{0.9, 0.8}) == std::vector<double>{1, 1});
  CHECK(holm({}).empty());
}

TEST_CASE("sets together: equal sets, sets that differ, one that is precise") {
  const std::vector<Estimate> equal{{1, 0.5, 4}, {1, 0.5, 4}, {1, 0.5, 4}, {1, 0.5, 4}};
  const Pooled same = *pool(equal);
  CHECK(same.tau == 0);
  CHECK(same.effect.mean == doctest::Approx(1));
  CHECK(same.effect.error == doctest::Approx(0.25));  // no narrower than their errors allow
  // Equal errors: tau^2 is the sample's variance less theirs, REML has it in closed form.
  const std::vector<Estimate> apart{{0, 1, 4}, {4, 1, 4}, {8, 1, 4}};
  const Pooled wide = *pool(apart);
  CHECK(wide.tau == doctest::Approx(std::sqrt(15.0)));
  CHECK(wide.effect.mean == doctest::Approx(4));
  CHECK(wide.effect.error == doctest::Approx(4 / std::sqrt(3.0)));
  CHECK(wide.prediction.low == doctest::Approx(4 - 12.7062 * std::sqrt(15 + 16.0 / 3)).epsilon(1e-4));
  CHECK_FALSE(pool(std::vector<Estimate>{{1, 1, 4}}));
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
