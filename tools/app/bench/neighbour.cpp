#include <fmt/core.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "engine/base/error.h"
#include "engine/base/parallel.h"
#include "engine/base/seconds.h"
#include "tools/app/bench/model.h"
#include "tools/app/bench/pairs.h"
#include "tools/app/cost/timing.h"
#include "tools/app/run/options.h"

namespace firn::cli {

namespace {

constexpr double kBesideSeconds = 0.1;  // several time slices of the scheduler
constexpr std::size_t kFewestBeside = 5;

/// A process that computes without end, on whichever core the system gives it; it ends with this object, and
/// by itself when its parent is gone.
class Neighbour {
 public:
  Neighbour() : parent_(getpid()), child_(fork()) {
    if (child_ < 0)
      throw Error(Fault::failure, "bench", fmt::format("no neighbour process: {}", std::strerror(errno)));
    if (child_ == 0) compute();
  }
  ~Neighbour() {
    kill(child_, SIGKILL);
    while (waitpid(child_, nullptr, 0) < 0 && errno == EINTR) {
    }
  }
  Neighbour(const Neighbour&) = delete;
  Neighbour& operator=(const Neighbour&) = delete;

 private:
  /// Calls nothing but what a child of a process with threads may.
  [[noreturn]] void compute() const {
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    volatile double x = 1;
    while (getppid() == parent_) {
      for (int i = 0; i < 1'000'000; ++i) x = x * 0.999999 + 1e-6;
    }
    _exit(0);
  }

  pid_t parent_;
  pid_t child_;
};

/// Milliseconds of a step, of as many as take a while.
double step_ms(BenchModel& model) {
  model.step();
  Index steps = 0;
  const double begin = seconds_now();
  do {
    model.step();
    ++steps;
  } while (steps < 3 || seconds_since(begin) < kBesideSeconds);
  return seconds_since(begin) * 1e3 / static_cast<double>(steps);
}

void print(Console& console, const std::string& name, const std::string& freeze, Index batch, double quiet,
           double disturbed, const Quartiles& ratio) {
  if (console.json()) {
    console.out(json_line("bench_neighbour")
                    .add("model", name)
                    .add("freeze", freeze)
                    .add("batch", batch)
                    .add("threads", thread_count())
                    .add("step_ms", quiet)
                    .add("disturbed_ms", disturbed)
                    .add("ratio", ratio.median)
                    .add("ratio_low", ratio.low)
                    .add("ratio_high", ratio.high)
                    .add("isa", isa_name(selected_isa())));
    return;
  }
  console.out(fmt::format("{:<10} {:>6} {:>6} {:>8} {:>10.3f} {:>12.3f} {:>8.2f} {:>6.2f} {:>6.2f}", name,
                          freeze, batch, thread_count(), quiet, disturbed, ratio.median, ratio.low,
                          ratio.high));
}

void measure_beside(const std::string& name, const std::string& freeze, Index batch,
                    const BenchOptions& options, Console& console) {
  BenchModel model(name, freeze, batch, options.exact, frozen_precision(options.precision, options.exact));
  std::vector<double> quiet, disturbed, ratio;
  const double begin = seconds_now();
  while (ratio.size() < kFewestBeside || seconds_since(begin) < options.seconds.value_or(2)) {
    quiet.push_back(step_ms(model));
    {
      const Neighbour neighbour;
      disturbed.push_back(step_ms(model));
    }
    ratio.push_back(disturbed.back() / quiet.back());
  }
  print(console, name, freeze, model.batch(), quartiles(quiet).median, quartiles(disturbed).median,
        quartiles(ratio));
}

}  // namespace

void bench_neighbour(const std::vector<std::string>& models, const std::vector<std::string>& freezes,
                     const BenchOptions& options, Console& console) {
  if (!console.json()) {
    console.note(machine_line());
    console.out(fmt::format("{:<10} {:>6} {:>6} {:>8} {:>10} {:>12} {:>8} {:>6} {:>6}", "model", "freeze",
                            "batch", "threads", "step ms", "disturbed ms", "ratio", "low", "high"));
  }
  std::vector<Index> threads = options.threads;
  if (threads.empty()) threads.push_back(thread_count());
  for (const std::string& name : models) {
    for (const std::string& freeze : freezes) {
      for (const Index batch : options.batches_or_usual()) {
        for (const Index count : threads) {
          set_thread_count(static_cast<int>(count));
          measure_beside(name, freeze, batch, options, console);
        }
      }
    }
  }
}

}  // namespace firn::cli
