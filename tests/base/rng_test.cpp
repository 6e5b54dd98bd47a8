#include "engine/base/rng.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

using namespace firn;

namespace {

using Counter = std::array<std::uint32_t, 4>;

}  // namespace

TEST_CASE("the known answers of Philox4x32-10") {
  // From kat_vectors of the Random123 distribution.
  constexpr std::uint32_t kAll = 0xffffffff;
  CHECK(philox({0, 0, 0, 0}, {0, 0}) == Counter{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  CHECK(philox({kAll, kAll, kAll, kAll}, {kAll, kAll}) ==
        Counter{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  CHECK(philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}) ==
        Counter{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE("a stream is its name") {
  Random a(7, "weights", 3);
  Random b(7, "weights", 3);
  for (int i = 0; i < 100; ++i) CHECK(a.bits() == b.bits());
  CHECK(Random(7, "weights", 3).bits() != Random(8, "weights", 3).bits());
  CHECK(Random(7, "weights", 3).bits() != Random(7, "order", 3).bits());
  CHECK(Random(7, "weights", 3).bits() != Random(7, "weights", 4).bits());
}

TEST_CASE("the stream can be entered anywhere") {
  Random stream(1, "x");
  const Random jumped(1, "x");
  for (std::uint64_t i = 0; i < 50; ++i) CHECK(jumped.at(i) == stream.bits());
}

TEST_CASE("numbers below n are even") {
  Random random(5, "below");
  constexpr std::uint32_t kN = 7;
  constexpr int kDraws = 70000;
  int counts[kN] = {};
  for (int i = 0; i < kDraws; ++i) {
    const std::uint32_t v = random.below(kN);
    REQUIRE(v < kN);
    ++counts[v];
  }
  // Chi squared with 6 degrees of freedom: 22.5 is passed once in a thousand.
  double chi = 0;
  for (const int c : counts) chi += (c - 10000.0) * (c - 10000.0) / 10000.0;
  CHECK(chi < 22.5);
  CHECK(random.below(1) == 0);
}

TEST_CASE("uniform and normal numbers have their moments") {
  Random random(9, "moments");
  constexpr int kDraws = 100000;
  double sum = 0;
  double squares = 0;
  double normal_sum = 0;
  double normal_squares = 0;
  for (int i = 0; i < kDraws; ++i) {
    const double u = random.uniform();
    REQUIRE((u >= 0 && u < 1));
    sum += u;
    squares += u * u;
    const double n = random.normal();
    REQUIRE(std::isfinite(n));
    normal_sum += n;
    normal_squares += n * n;
  }
  // Five standard errors each.
  CHECK(std::abs(sum / kDraws - 0.5) < 5 * 0.2887 / std::sqrt(kDraws));
  CHECK(std::abs(squares / kDraws - 1.0 / 3) < 5 * 0.2981 / std::sqrt(kDraws));
  CHECK(std::abs(normal_sum / kDraws) < 5 / std::sqrt(kDraws));
  CHECK(std::abs(normal_squares / kDraws - 1) < 5 * std::sqrt(2.0 / kDraws));
}

TEST_CASE("a shuffle keeps all and reaches every order") {
  std::vector<int> items(50);
  std::iota(items.begin(), items.end(), 0);
  const std::vector<int> sorted = items;
  Random random(2, "shuffle");
  shuffle(items.data(), 50, random);
  CHECK(items != sorted);
  std::sort(items.begin(), items.end());
  CHECK(items == sorted);

  std::vector<int> seen;
  for (int i = 0; i < 600; ++i) {
    int three[3] = {0, 1, 2};
    shuffle(three, 3, random);
    seen.push_back(three[0] * 9 + three[1] * 3 + three[2]);
  }
  std::sort(seen.begin(), seen.end());
  CHECK(std::unique(seen.begin(), seen.end()) - seen.begin() == 6);
}
