#include "tools/app/study/run_all.h"

#include <atomic>
#include <exception>
#include <mutex>

#include "engine/base/parallel.h"

namespace firn::cli {

void run_all(std::size_t count, const std::function<bool(std::size_t)>& task) {
  std::exception_ptr error;
  std::mutex guard;
  std::atomic<bool> go_on = true;
  parallel_for(static_cast<Index>(count), [&](Index i) {
    if (!go_on) return;
    try {
      if (!task(static_cast<std::size_t>(i))) go_on = false;
    } catch (...) {
      const std::lock_guard lock(guard);
      go_on = false;
      if (!error) error = std::current_exception();
    }
  });
  if (error) std::rethrow_exception(error);
}

OneThread::OneThread() : threads_(thread_count()) {
  set_thread_count(1);
}

OneThread::~OneThread() {
  set_thread_count(threads_);
}

}  // namespace firn::cli
