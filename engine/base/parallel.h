// The threads of the process: this file pair is their one owner (OpenMP starts them).
#pragma once

#include <atomic>

#include "engine/base/real.h"

namespace firn {

/// Threads that a parallel region uses; `default_thread_count()` of cores.h until set.
int thread_count();

/// Sets `thread_count()` for the regions that follow. Throws Error(usage) when n < 1 or n > 256.
/// Results never depend on it: work is cut by the problem, threads only take the pieces.
void set_thread_count(int n);

/// A call without ownership of `void(Index)`; the callee must not throw.
class Job {
 public:
  template <class F>
  Job(const F& f)  // NOLINT: converts by design
      : object_(&f), call_([](const void* o, Index i) { (*static_cast<const F*>(o))(i); }) {}
  void operator()(Index i) const { call_(object_, i); }

 private:
  const void* object_;
  void (*call_)(const void*, Index);
};

/// What the members of one region share: which piece of work is next, and whether all are done.
struct TeamWork {
  alignas(64) std::atomic<std::uint64_t> next{0};   ///< stage in the upper half, piece in the lower
  alignas(64) std::atomic<std::uint32_t> done{0};   ///< pieces of the stage that are finished
  alignas(64) std::atomic<std::uint32_t> stage{0};  ///< the same stage again, to sleep on
};

/// A member's view of a region. All members call `for_each` equally often with equal counts, but none waits
/// for another one as such: a stage is over when its pieces are done, whoever did them, and a member that
/// comes late walks through what is over. So a member whose core is busy elsewhere costs its share of the
/// work and no more.
class Team {
 public:
  Team(TeamWork& work, bool spin) : work_(work), spin_(spin) {}

  /// Runs task(i) once for each i in [0, count), by whichever member is free; returns when all are done, and
  /// then sees what they wrote. Requires count < 2^32.
  void for_each(Index count, const Job& task);

 private:
  TeamWork& work_;
  const bool spin_;  // whether to poll before sleeping
  std::uint32_t stage_ = 0;
};

/// A call of `void(Team&, int member)`; must not throw.
class TeamTask {
 public:
  template <class F>
  TeamTask(const F& f)  // NOLINT: converts by design
      : object_(&f),
        call_([](const void* o, Team& team, int member) { (*static_cast<const F*>(o))(team, member); }) {}
  void operator()(Team& team, int member) const { call_(object_, team, member); }

 private:
  const void* object_;
  void (*call_)(const void*, Team&, int);
};

/// Opens a region of up to `threads` members (at least 1) and runs `body(team, member)` on each; the caller
/// is member 0. A member that has not begun when the others have finished never does: only what runs through
/// `Team::for_each` is sure to be done. Its threads take subnormal numbers for zero. Inside a region, and
/// while another thread has one open, it runs alone on the calling thread.
void parallel_region(int threads, const TeamTask& body);

/// Runs task(i) for i in [0, count) on up to `thread_count()` threads.
void parallel_for(Index count, const Job& task);

}  // namespace firn
