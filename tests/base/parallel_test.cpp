#include "engine/base/parallel.h"

#include <doctest/doctest.h>

#include <atomic>
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

TEST_CASE("a barrier parts what comes before from what comes after") {
  for (const int threads : {1, 2, 5}) {
    std::atomic<int> before{0};
    std::atomic<int> early{0};
    std::atomic<int> members{0};
    parallel_region(threads, [&](Team& team, int) {
      members.store(team.size());
      for (int round = 1; round <= 50; ++round) {
        before.fetch_add(1);
        team.barrier();
        if (before.load() < round * team.size()) early.fetch_add(1);
        team.barrier();
      }
    });
    CHECK(early.load() == 0);
    CHECK(before.load() == 50 * members.load());
  }
}

TEST_CASE("for_each inside a region can be repeated, its results are seen by all") {
  std::atomic<int> wrong{0};
  std::vector<int> values(100, 0);
  parallel_region(3, [&](Team& team, int) {
    for (int round = 1; round <= 20; ++round) {
      team.for_each(100, [&](Index i) { values[static_cast<std::size_t>(i)] += 1; });
      for (const int v : values) {
        if (v != round) wrong.fetch_add(1);
      }
      team.barrier();
    }
  });
  CHECK(wrong.load() == 0);
}

TEST_CASE("a region inside a region runs alone") {
  std::atomic<int> inner{0};
  std::atomic<int> wide{0};
  std::atomic<int> outer{0};
  parallel_region(2, [&](Team&, int) {
    outer.fetch_add(1);
    parallel_region(4, [&](Team& team, int) {
      inner.fetch_add(1);
      if (team.size() != 1) wide.fetch_add(1);
    });
  });
  CHECK(inner.load() == outer.load());
  CHECK((outer.load() == 1 || wide.load() == 0));
}

TEST_CASE("the number of threads is checked") {
  CHECK(test::fails_with(Fault::usage, "0", [] { set_thread_count(0); }));
  CHECK(test::fails_with(Fault::usage, "257", [] { set_thread_count(257); }));
}
