// Ctrl-C while firn computes.
#pragma once

#include <nanobind/nanobind.h>

#include <chrono>

namespace firn::python {

/// Looks for signals, from a thread that does not hold Python's lock: at most every 20 ms, since that takes
/// the lock. Throws what the handler raised: KeyboardInterrupt.
class Signals {
 public:
  void check() {
    const auto now = std::chrono::steady_clock::now();
    if (now < next_) return;
    next_ = now + std::chrono::milliseconds(20);
    const nanobind::gil_scoped_acquire gil;
    if (PyErr_CheckSignals() != 0) throw nanobind::python_error();
  }

 private:
  std::chrono::steady_clock::time_point next_ = std::chrono::steady_clock::now();
};

}  // namespace firn::python
