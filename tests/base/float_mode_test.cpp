#include "engine/base/float_mode.h"

#include <doctest/doctest.h>

#include <atomic>
#include <limits>
#include <thread>

#include "engine/base/parallel.h"
#include "engine/base/real.h"

using namespace firn;

namespace {

// What the compiler does not know, so that the processor computes it.
template <class T>
T hidden(T value) {
  volatile T held = value;
  return held;
}

template <class T>
bool makes_zeros() {
  const T least = std::numeric_limits<T>::min();
  const T subnormal = std::numeric_limits<T>::denorm_min() * 5;
  const bool out = hidden(least) * hidden(T(0.5)) == 0;
  const bool in = hidden(subnormal) * hidden(T(1) / std::numeric_limits<T>::epsilon() / 8) == 0;
  const bool normal = hidden(least) * hidden(T(1.5)) > least;
  return out && in && normal;
}

bool flushes() {
  CHECK(makes_zeros<float>() == makes_zeros<double>());
  return makes_zeros<float>();
}

}  // namespace

#if defined(__x86_64__) || defined(__aarch64__)
TEST_CASE("subnormal numbers are zero while one lives, and the mode is the caller's again behind it") {
  REQUIRE_FALSE(flushes());
  {
    const FlushSubnormals outer;
    CHECK(flushes());
    {
      const FlushSubnormals inner;
      CHECK(flushes());
    }
    CHECK(flushes());
    CHECK(FlushSubnormals::in_force());
  }
  CHECK_FALSE(flushes());
  CHECK_FALSE(FlushSubnormals::in_force());
}

TEST_CASE("a caller that has the mode itself keeps it") {
  std::thread([] {
    FlushSubnormals::for_good();
    { const FlushSubnormals flush; }
    CHECK(flushes());
    parallel_for(3, [](Index) {});
    CHECK(flushes());
  }).join();
  CHECK_FALSE(flushes());
}

TEST_CASE("every thread of a region makes zeros of them, and no caller does behind it") {
  constexpr int kThreads = 4;
  for (int round = 0; round < 3; ++round) {
    std::atomic<int> members{0}, flushing{0};
    parallel_region(kThreads, [&](Team& team, int) {
      // A stage of as many pieces as members, each of which waits for the others to be there.
      team.for_each(kThreads, [&](Index) {
        flushing.fetch_add(FlushSubnormals::in_force() && makes_zeros<float>() ? 1 : 0);
        members.fetch_add(1);
        for (int i = 0; i < 100000 && members.load() < kThreads; ++i) std::this_thread::yield();
      });
    });
    CHECK(members.load() == kThreads);
    CHECK(flushing.load() == kThreads);
    CHECK_FALSE(flushes());
  }
  bool alone = false;
  parallel_region(1, [&](Team&, int) { alone = makes_zeros<float>(); });
  CHECK(alone);
  CHECK_FALSE(flushes());
}
#endif
