// The threads of the process: this file pair is their one owner (OpenMP starts them).
#pragma once

#include <atomic>

#include "engine/base/real.h"

namespace firn {

/// Threads that a parallel region uses; the processor's cores until set.
int thread_count();

/// Sets `thread_count()` for the regions that follow. Throws Error(usage) when n < 1 or n > 256.
/// Results never depend on it: work is cut by the problem, threads only take the pieces.
void set_thread_count(int n);

/// A call without ownership of `void(Index)`; the callee must not throw.
class Task {
 public:
  template <class F>
  Task(const F& f)  // NOLINT: converts by design
      : object_(&f), call_([](const void* o, Index i) { (*static_cast<const F*>(o))(i); }) {}
  void operator()(Index i) const { call_(object_, i); }

 private:
  const void* object_;
  void (*call_)(const void*, Index);
};

/// The threads inside one region. Every member must call the same members in the same order.
class Team {
 public:
  explicit Team(int size) : size_(size) {}
  int size() const { return size_; }

  /// Runs task(i) once for each i in [0, count), by whichever member is free; returns to all when
  /// all are done.
  void for_each(Index count, const Task& task);
  /// Returns when every member has come. Spins shortly, then sleeps, so that a member whose core
  /// is busy elsewhere costs its share only.
  void barrier();

 private:
  const int size_;
  alignas(64) std::atomic<Index> next_{0};
  alignas(64) std::atomic<int> waiting_{0};
  alignas(64) std::atomic<std::uint32_t> phase_{0};
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

/// Opens a region of `threads` members (at least 1) and runs `body` on each: one fork, one join.
/// Inside a region it runs alone on the calling thread.
void parallel_region(int threads, const TeamTask& body);

/// Runs task(i) for i in [0, count) on up to `thread_count()` threads.
void parallel_for(Index count, const Task& task);

}  // namespace firn
