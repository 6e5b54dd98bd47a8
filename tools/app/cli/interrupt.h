// Ctrl-C and its like: the work is kept.
#pragma once

namespace firn::cli {

/// While it lives, SIGINT, SIGTERM and SIGUSR1 end the process at once with the exit code 128 + signal, as
/// long as there is nothing to keep; with `noted` the first one is only noted, and a second one ends the
/// process. What was in force before is again afterwards.
class InterruptScope {
 public:
  enum class What { at_once, noted };
  explicit InterruptScope(What what);
  ~InterruptScope();
  InterruptScope(const InterruptScope&) = delete;
  InterruptScope& operator=(const InterruptScope&) = delete;

  /// The signal that was noted; 0: none.
  static int signal();

 private:
  bool outermost_;
  int before_;
};

/// Thrown out of interrupted work once what is to be kept is saved; the exit code is 128 + signal.
struct Interrupted {
  int signal;
};

}  // namespace firn::cli
