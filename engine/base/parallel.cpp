#include "engine/base/parallel.h"

#include <fmt/core.h>
#include <omp.h>

#include <algorithm>

#include "engine/base/cpu.h"
#include "engine/base/error.h"

namespace firn {

namespace {

constexpr int kSpins = 2000;  // about 40 microseconds of polling before a member sleeps

std::atomic<int> threads_wanted{0};

void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

}  // namespace

int thread_count() {
  const int n = threads_wanted.load(std::memory_order_relaxed);
  return n > 0 ? n : cpu_count();
}

void set_thread_count(int n) {
  if (n < 1 || n > 256) throw Error(Fault::usage, "threads", fmt::format("{} is not in 1..256", n));
  threads_wanted.store(n, std::memory_order_relaxed);
}

void Team::for_each(Index count, const Task& task) {
  for (Index i = next_.fetch_add(1, std::memory_order_relaxed); i < count;
       i = next_.fetch_add(1, std::memory_order_relaxed)) {
    task(i);
  }
  barrier();
}

void Team::barrier() {
  const std::uint32_t phase = phase_.load(std::memory_order_acquire);
  if (waiting_.fetch_add(1, std::memory_order_acq_rel) + 1 == size_) {
    waiting_.store(0, std::memory_order_relaxed);
    next_.store(0, std::memory_order_relaxed);
    phase_.store(phase + 1, std::memory_order_release);
    if (size_ > 1) phase_.notify_all();
    return;
  }
  for (int spin = 0; spin < kSpins; ++spin) {
    if (phase_.load(std::memory_order_acquire) != phase) return;
    relax();
  }
  while (phase_.load(std::memory_order_acquire) == phase) phase_.wait(phase, std::memory_order_acquire);
}

void parallel_region(int threads, const TeamTask& body) {
  threads = std::min(threads, omp_get_thread_limit());
  if (threads <= 1 || omp_in_parallel() != 0) {
    Team alone(1);
    body(alone, 0);
    return;
  }
  // The runtime may give fewer threads than asked for; a team of a wrong size would wait for ever.
  omp_set_dynamic(0);
  Team team(threads);
#pragma omp parallel num_threads(threads)
  body(team, omp_get_thread_num());
}

void parallel_for(Index count, const Task& task) {
  const int threads = static_cast<int>(std::min<Index>(thread_count(), count));
  parallel_region(threads, [&](Team& team, int) { team.for_each(count, task); });
}

}  // namespace firn
