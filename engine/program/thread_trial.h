// Whether several threads are faster than one, found by trying.
#pragma once

#include <limits>

namespace firn {

/// Small programs can take longer on several threads: what one core has written must reach the other's
/// caches, and how long that takes is the machine's, not the program's. Runs that compute the same on any
/// number of threads are therefore tried on all of them first and on one then; from there on the faster way
/// is taken.
class ThreadTrial {
 public:
  /// Threads of the next run: `threads`, or 1. Begins anew when asked for another number.
  int next(int threads) {
    if (threads != threads_) *this = ThreadTrial(threads);
    if (run_ < kRuns) return threads_;
    return run_ < 2 * kRuns || one_ < kWorthwhile * all_ ? 1 : threads_;
  }

  /// What that run took.
  void ran(double seconds) {
    if (run_ >= 2 * kRuns) return;
    // The first run of each kind finds everything elsewhere.
    double& least = run_ < kRuns ? all_ : one_;
    if (run_ % kRuns > 0 && seconds < least) least = seconds;
    ++run_;
  }

  ThreadTrial() = default;

 private:
  explicit ThreadTrial(int threads) : threads_(threads), run_(threads > 1 ? 0 : 2 * kRuns) {}

  static constexpr int kRuns = 4;
  static constexpr double kWorthwhile = 1.03;  // another core's time should gain more than noise
  int threads_ = 1;
  int run_ = 2 * kRuns;
  double all_ = std::numeric_limits<double>::infinity(), one_ = std::numeric_limits<double>::infinity();
};

}  // namespace firn
