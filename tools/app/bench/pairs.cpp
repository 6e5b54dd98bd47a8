#include "tools/app/bench/pairs.h"

#include <fmt/core.h>

#include <algorithm>

#include "engine/base/parallel.h"
#include "engine/base/seconds.h"
#include "tools/app/bench/model.h"
#include "tools/app/cost/timing.h"
#include "tools/app/run/options.h"

namespace firn::cli {

namespace {

constexpr double kPairSeconds = 2e-3;  // far above what waking a thread takes
constexpr std::size_t kFewestPairs = 7;

/// Milliseconds of a step on `threads` threads, the least of three: what disturbs one is not what is asked
/// for.
double step_ms(BenchModel& model, Index threads, Index steps) {
  set_thread_count(static_cast<int>(threads));
  model.step();
  double best = 1e300;
  for (int i = 0; i < 3; ++i) {
    const double begin = seconds_now();
    for (Index s = 0; s < steps; ++s) model.step();
    best = std::min(best, seconds_since(begin) * 1e3 / static_cast<double>(steps));
  }
  return best;
}

void print(Console& console, const std::string& name, const std::string& freeze, Index batch, Index threads,
           double ms, const Quartiles& speedup) {
  if (console.json()) {
    console.out(json_line("bench_scaling")
                    .add("model", name)
                    .add("freeze", freeze)
                    .add("batch", batch)
                    .add("threads", threads)
                    .add("step_ms", ms)
                    .add("speedup", speedup.median)
                    .add("speedup_low", speedup.low)
                    .add("speedup_high", speedup.high)
                    .add("isa", isa_name(selected_isa())));
    return;
  }
  console.out(fmt::format("{:<10} {:>6} {:>6} {:>8} {:>10.3f} {:>8.2f} {:>6.2f} {:>6.2f}", name, freeze,
                          batch, threads, ms, speedup.median, speedup.low, speedup.high));
}

void measure_pair(const std::string& name, const std::string& freeze, Index batch,
                  const BenchOptions& options, Console& console) {
  BenchModel model(name, freeze, batch, options.exact, frozen_precision(options.precision, options.exact));
  const std::vector<Index>& threads = options.threads;
  const double one = step_ms(model, threads[0], 1);
  const auto steps = std::max<Index>(1, static_cast<Index>(kPairSeconds * 1e3 / one));
  std::vector<std::vector<double>> ms(threads.size()), speedup(threads.size());
  const double begin = seconds_now();
  for (std::size_t turn = 0; turn < kFewestPairs || seconds_since(begin) < options.seconds.value_or(2);
       ++turn) {
    std::vector<double> now(threads.size());
    for (std::size_t i = 0; i < threads.size(); ++i) {
      // Every second turn backwards, so that none is always the first.
      const std::size_t at = turn % 2 == 0 ? i : threads.size() - 1 - i;
      now[at] = step_ms(model, threads[at], steps);
    }
    for (std::size_t i = 0; i < threads.size(); ++i) {
      ms[i].push_back(now[i]);
      speedup[i].push_back(now[0] / now[i]);
    }
  }
  for (std::size_t i = 0; i < threads.size(); ++i) {
    print(console, name, freeze, model.batch(), threads[i], quartiles(ms[i]).median, quartiles(speedup[i]));
  }
}

}  // namespace

void bench_scaling(const std::vector<std::string>& models, const std::vector<std::string>& freezes,
                   const BenchOptions& options, Console& console) {
  if (!console.json()) {
    console.note(machine_line());
    console.out(fmt::format("{:<10} {:>6} {:>6} {:>8} {:>10} {:>8} {:>6} {:>6}", "model", "freeze", "batch",
                            "threads", "step ms", "speedup", "low", "high"));
  }
  for (const std::string& name : models) {
    for (const std::string& freeze : freezes) {
      for (const Index batch : options.batches_or_usual())
        measure_pair(name, freeze, batch, options, console);
    }
  }
}

}  // namespace firn::cli
