#include "tools/interrupt.h"

#include <unistd.h>
#include <csignal>

namespace firn::cli {

namespace {

volatile std::sig_atomic_t caught = 0;

void catch_signal(int signal) {
  if (caught != 0) _exit(128 + signal);
  caught = signal;
}

void handle(void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  sigemptyset(&action.sa_mask);
  action.sa_flags = SA_RESTART;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

}  // namespace

InterruptScope::InterruptScope() {
  caught = 0;
  handle(catch_signal);
}

InterruptScope::~InterruptScope() {
  handle(SIG_DFL);
}

int InterruptScope::signal() {
  return caught;
}

}  // namespace firn::cli
