// Time that has passed.
#pragma once

#include <time.h>

namespace firn {

inline double clock_seconds(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

/// Of a clock that goes forward alone, whatever the date is set to.
inline double seconds_now() {
  return clock_seconds(CLOCK_MONOTONIC);
}

/// `begin`: what `seconds_now` said then.
inline double seconds_since(double begin) {
  return seconds_now() - begin;
}

/// Processor seconds of the calling thread: what others do meanwhile does not count.
inline double thread_seconds() {
  return clock_seconds(CLOCK_THREAD_CPUTIME_ID);
}

}  // namespace firn
