#include "engine/base/parallel.h"

#include <doctest/doctest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "tests/errors.h"

using namespace firn;

namespace {

/// Sets the number of threads for a scope.
class Threads {
 public:
  explicit Threads(int n) : before_(thread_count()) { set_thread_count(n); }
  ~Threads() { set_thread_count(before_); }
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;

 private:
  int before_;
};

}  // namespace

TEST_CASE("each piece of work is done once") {
  for (const int threads : {1, 2, 3, 7}) {
    const Threads scope(threads);
    for (const Index count : {0, 1, 2, 5, 1000}) {
      std::vector<std::atomic<int>> done(static_cast<std::size_t>(count));
      parallel_for(count, [&](Index i) { done[static_cast<std::size_t>(i)].fetch_add(1); });
      for (const auto& d : done) CHECK(d.load() == 1);
    }
  }
}

TEST_CASE("the stages of a region come one after the other, and see what the ones before them wrote") {
  for (const int threads : {1, 2, 3, 5, 9}) {
    constexpr Index kPieces = 100;
    std::vector<int> values(kPieces, 0);
    std::vector<int> copies(kPieces, 0);
    std::atomic<int> wrong{0};
    parallel_region(threads, [&](Team& team, int) {
      for (int round = 1; round <= 50; ++round) {
        team.for_each(kPieces, [&](Index i) { values[static_cast<std::size_t>(i)] += 1; });
        team.for_each(0, [&](Index) { wrong.fetch_add(1); });
        // Each piece reads what another one wrote in the stage before.
        team.for_each(kPieces, [&](Index i) {
          copies[static_cast<std::size_t>(i)] = values[static_cast<std::size_t>(kPieces - 1 - i)];
        });
        team.for_each(1, [&](Index) {
          for (const int copy : copies) {
            if (copy != round) wrong.fetch_add(1);
          }
        });
      }
    });
    CHECK(wrong.load() == 0);
    CHECK(values == std::vector<int>(kPieces, 50));
  }
}

TEST_CASE("members have numbers of their own below the number asked for") {
  for (const int threads : {7, 2, 4}) {
    for (int repeat = 0; repeat < 200; ++repeat) {
      std::vector<std::atomic<int>> inside(static_cast<std::size_t>(threads));
      std::atomic<int> wrong{0};
      parallel_region(threads, [&](Team& team, int member) {
        if (member < 0 || member >= threads) {
          wrong.fetch_add(1);
          return;
        }
        if (inside[static_cast<std::size_t>(member)].fetch_add(1) != 0) wrong.fetch_add(1);
        team.for_each(20, [](Index) {});
        inside[static_cast<std::size_t>(member)].fetch_sub(1);
      });
      CHECK(wrong.load() == 0);
    }
  }
}

TEST_CASE("a region inside a region, and one of another thread meanwhile, runs alone") {
  std::atomic<int> strangers{0};
  std::atomic<int> done{0};
  parallel_region(3, [&](Team& team, int) {
    team.for_each(8, [&](Index) {
      parallel_region(4, [&](Team& inner, int member) {
        if (member != 0) strangers.fetch_add(1);
        inner.for_each(5, [&](Index) { done.fetch_add(1); });
      });
    });
    team.for_each(1, [&](Index) {
      std::thread other([&] { parallel_for(10, [&](Index) { done.fetch_add(1); }); });
      other.join();
    });
  });
  CHECK(strangers.load() == 0);
  CHECK(done.load() == 8 * 5 + 10);
}

TEST_CASE("the number of threads is checked") {
  CHECK(test::fails_with(Fault::usage, "0", [] { set_thread_count(0); }));
  CHECK(test::fails_with(Fault::usage, "257", [] { set_thread_count(257); }));
}
