// Ctrl-C and its like: the work is kept.
#pragma once

namespace firn::cli {

/// While it lives, the first SIGINT or SIGTERM is only noted; a second one ends the process at once.
class InterruptScope {
 public:
  InterruptScope();
  ~InterruptScope();
  InterruptScope(const InterruptScope&) = delete;
  InterruptScope& operator=(const InterruptScope&) = delete;

  /// The signal that came; 0: none.
  static int signal();
};

/// Thrown out of interrupted work once what is to be kept is saved; the exit code is 128 + signal.
struct Interrupted {
  int signal;
};

}  // namespace firn::cli
