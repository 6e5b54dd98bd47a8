// Several threads or one, by made-up times.
#include "engine/program/thread_trial.h"

#include <doctest/doctest.h>

using firn::ThreadTrial;

namespace {

/// What is chosen after as many runs as the trial takes, where a run takes `all` and `one` seconds.
int chosen(ThreadTrial& trial, int threads, double all, double one) {
  for (int i = 0; i < 8; ++i) {
    const int now = trial.next(threads);
    CHECK((now == 1 || now == threads));
    // The first run of each kind is slow, whatever comes later.
    trial.ran((i % 4 == 0 ? 100 : 1) * (now == 1 ? one : all));
  }
  return trial.next(threads);
}

}  // namespace

TEST_CASE("the faster way is taken, another thread only where it gains something") {
  ThreadTrial trial;
  CHECK(chosen(trial, 2, 1.0, 1.8) == 2);
  // It lasts, whatever later runs take.
  for (int i = 0; i < 20; ++i) trial.ran(50.0);
  CHECK(trial.next(2) == 2);
  // Another number of threads is another question.
  CHECK(chosen(trial, 4, 2.0, 1.0) == 1);
  CHECK(chosen(trial, 3, 1.0, 1.01) == 1);
  CHECK(chosen(trial, 2, 1.0, 1.1) == 2);
}

TEST_CASE("one run that was disturbed decides nothing, and one thread needs no trial") {
  ThreadTrial trial;
  for (int i = 0; i < 8; ++i) {
    const int now = trial.next(2);
    trial.ran(i == 2 ? 9.0 : now == 1 ? 2.0 : 1.0);
  }
  CHECK(trial.next(2) == 2);
  ThreadTrial single;
  CHECK(single.next(1) == 1);
  single.ran(1.0);
  CHECK(single.next(1) == 1);
}
