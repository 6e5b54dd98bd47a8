// Tasks of a study side by side, one a thread.
#pragma once

#include <cstddef>
#include <functional>

namespace firn::cli {

/// Runs task(i) for each i from 0 to count on all threads, as long as it returns true; the first error is
/// thrown behind the region, and nothing more is begun after it.
void run_all(std::size_t count, const std::function<bool(std::size_t)>& task);

/// While it lives, regions run on one thread.
class OneThread {
 public:
  OneThread();
  ~OneThread();
  OneThread(const OneThread&) = delete;
  OneThread& operator=(const OneThread&) = delete;

 private:
  int threads_;
};

}  // namespace firn::cli
