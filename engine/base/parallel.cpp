#include "engine/base/parallel.h"

#include <fmt/core.h>
#include <omp.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "engine/base/cores.h"
#include "engine/base/error.h"
#include "engine/base/float_mode.h"

namespace firn {

namespace {

constexpr auto kSpin = std::chrono::microseconds(50);  // of polling before a member sleeps

std::atomic<int> threads_wanted{0};
thread_local bool inside_region = false;

void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

/// Returns when `value` is no longer `old`: polls shortly, unless there are more members than cores, then
/// sleeps.
template <class T>
void wait_while(const std::atomic<T>& value, T old, bool spin) {
  if (spin) {
    const auto end = std::chrono::steady_clock::now() + kSpin;
    do {
      for (int i = 0; i < 16; ++i) {
        if (value.load(std::memory_order_acquire) != old) return;
        relax();
      }
    } while (std::chrono::steady_clock::now() < end);
  }
  while (value.load(std::memory_order_acquire) == old) value.wait(old, std::memory_order_acquire);
}

/// The threads of the process besides the callers'. OpenMP starts them, in regions that stay open; how they
/// wait for work is decided here, because its own runtime polls for milliseconds between regions and so takes
/// the cores from whoever else needs them (measured with libgomp 12 at a load of two processes a core: a run
/// of 200 small steps took 0.7 to 9.7 s, against 0.07 s when its threads sleep).
class Pool {
 public:
  static Pool& get() {
    static Pool* pool = new Pool;  // never destroyed: its threads sleep until the process ends
    return *pool;
  }

  /// Runs body on this thread and on up to size - 1 others. False, and nothing done, while another thread has
  /// the pool.
  bool run(int size, const TeamTask& body) {
    const std::unique_lock guard(busy_, std::try_to_lock);
    if (!guard.owns_lock()) return false;
    grow(static_cast<std::size_t>(size) - 1);
    TeamWork work;
    body_ = &body;
    work_ = &work;
    size_ = size;
    spin_ = size <= cpu_count();
    gate_.store(0, std::memory_order_release);
    for (int i = 0; i + 1 < size; ++i) {
      std::atomic<std::uint32_t>& call = members_[static_cast<std::size_t>(i)]->call;
      call.fetch_add(1, std::memory_order_release);
      call.notify_one();
    }
    Team team(work, spin_);
    inside_region = true;
    body(team, 0);
    inside_region = false;
    // Who has not come in by now is not needed; who has come in reads `body` and `work` until it leaves.
    std::uint32_t gate = gate_.fetch_or(kClosed, std::memory_order_acq_rel) | kClosed;
    while (gate != kClosed) {
      wait_while(gate_, gate, spin_);
      gate = gate_.load(std::memory_order_acquire);
    }
    return true;
  }

 private:
  static constexpr std::uint32_t kClosed = 1u << 31;
  struct alignas(64) Member {
    std::atomic<std::uint32_t> call{0};  // counts the regions that the member is called to
  };

  /// Starts members until there are `count`, in as many OpenMP regions as its runtime's limits ask for.
  void grow(std::size_t count) {
    std::size_t first = members_.size();
    while (members_.size() < count) members_.push_back(std::make_unique<Member>());
    while (first < count) {
      const int wanted = static_cast<int>(count - first);
      std::atomic<int> given{0};
      std::thread([this, first, wanted, &given] {
        omp_set_dynamic(0);
#pragma omp parallel num_threads(wanted)
        {
          const auto number = first + static_cast<std::size_t>(omp_get_thread_num());
          if (omp_get_thread_num() == 0) {
            given.store(omp_get_num_threads(), std::memory_order_release);
            given.notify_one();
          }
          serve(*members_[number], static_cast<int>(number) + 1);
        }
      }).detach();
      wait_while(given, 0, false);
      first += static_cast<std::size_t>(given.load(std::memory_order_acquire));
    }
  }

  [[noreturn]] void serve(Member& member, int number) {
    FlushSubnormals::for_good();
    inside_region = true;
    std::uint32_t seen = 0;
    for (bool spin = false;;) {
      wait_while(member.call, seen, spin);
      seen = member.call.load(std::memory_order_acquire);
      spin = enter(number);
    }
  }

  /// Takes part in the region that is open, if one is; whether to poll for the next.
  bool enter(int number) {
    std::uint32_t gate = gate_.load(std::memory_order_acquire);
    do {
      if ((gate & kClosed) != 0) return true;
    } while (
        !gate_.compare_exchange_weak(gate, gate + 1, std::memory_order_acq_rel, std::memory_order_acquire));
    const bool spin = spin_;
    // A member that wakes late may find a later region, which need not be meant for it.
    if (number < size_) {
      Team team(*work_, spin);
      (*body_)(team, number);
    }
    if (gate_.fetch_sub(1, std::memory_order_acq_rel) == kClosed + 1) gate_.notify_one();
    return spin;
  }

  std::mutex busy_;
  std::vector<std::unique_ptr<Member>> members_;
  const TeamTask* body_ = nullptr;
  TeamWork* work_ = nullptr;
  int size_ = 0;
  bool spin_ = true;
  alignas(64) std::atomic<std::uint32_t> gate_{kClosed};  // members inside, and whether no more may come in
};

}  // namespace

int thread_count() {
  const int n = threads_wanted.load(std::memory_order_relaxed);
  return n > 0 ? n : default_thread_count();
}

void set_thread_count(int n) {
  if (n < 1 || n > 256) throw Error(Fault::usage, "threads", fmt::format("{} is not in 1..256", n));
  threads_wanted.store(n, std::memory_order_relaxed);
}

void Team::for_each(Index count, const Job& task) {
  if (count <= 0) return;
  const std::uint64_t stage = stage_++;
  while (true) {
    std::uint64_t next = work_.next.load(std::memory_order_acquire);
    if (next >> 32 != stage) return;
    const auto piece = static_cast<Index>(next & 0xffffffffu);
    if (piece >= count) return wait_while(work_.stage, static_cast<std::uint32_t>(stage), spin_);
    if (!work_.next.compare_exchange_weak(next, next + 1, std::memory_order_acq_rel)) continue;
    task(piece);
    if (work_.done.fetch_add(1, std::memory_order_acq_rel) + 1 < static_cast<std::uint32_t>(count)) continue;
    work_.done.store(0, std::memory_order_relaxed);
    work_.next.store((stage + 1) << 32, std::memory_order_release);
    work_.stage.store(static_cast<std::uint32_t>(stage + 1), std::memory_order_release);
    work_.stage.notify_all();
    return;
  }
}

void parallel_region(int threads, const TeamTask& body) {
  const FlushSubnormals flush;
  if (threads > 1 && !inside_region && Pool::get().run(threads, body)) return;
  TeamWork work;
  Team alone(work, false);
  body(alone, 0);
}

void parallel_for(Index count, const Job& task) {
  const int threads = static_cast<int>(std::min<Index>(thread_count(), count));
  parallel_region(threads, [&](Team& team, int) { team.for_each(count, task); });
}

}  // namespace firn
