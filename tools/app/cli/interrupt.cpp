#include "tools/app/cli/interrupt.h"

#include <unistd.h>
#include <csignal>

namespace firn::cli {

namespace {

volatile std::sig_atomic_t caught = 0;
volatile std::sig_atomic_t only_noted = 0;
bool handled = false;

void catch_signal(int signal) {
  if (caught != 0 || only_noted == 0) _exit(128 + signal);
  caught = signal;
}

void handle(void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  sigemptyset(&action.sa_mask);
  action.sa_flags = SA_RESTART;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  sigaction(SIGUSR1, &action, nullptr);  // what mpirun hands on, and schedulers send before the time is up
}

}  // namespace

InterruptScope::InterruptScope(What what) : outermost_(!handled), before_(only_noted) {
  caught = 0;
  only_noted = what == What::noted ? 1 : 0;
  if (outermost_) handle(catch_signal);
  handled = true;
}

InterruptScope::~InterruptScope() {
  only_noted = before_;
  if (!outermost_) return;
  handle(SIG_DFL);
  handled = false;
}

int InterruptScope::signal() {
  return caught;
}

}  // namespace firn::cli
