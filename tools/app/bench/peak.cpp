#include "tools/app/bench/peak.h"

#include <fmt/core.h>

#include "engine/base/cores.h"
#include "engine/base/parallel.h"
#include "tools/app/cost/timing.h"

namespace firn::cli {

void bench_peak(const BenchOptions& options, Console& console) {
  const std::vector<Isa> sets = chosen_sets(options.sets, available_sets());
  const int most = options.threads.empty() ? thread_count() : static_cast<int>(options.threads[0]);
  const double seconds = options.seconds.value_or(0.5);
  Streams streams;
  if (!console.json()) {
    console.note(fmt::format("{}; {} cores; streams over arrays of {} MiB", cpu_name(), cpu_count(),
                             streams.bytes() >> 20));
    console.out(fmt::format("{:<8} {:>8} {:>10} {:>12} {:>12}", "set", "threads", "GFLOP/s", "copy GB/s",
                            "triad GB/s"));
  }
  for (const Isa isa : sets) {
    const Kernels& set = kernels(isa);
    for (int threads = 1; threads <= most; ++threads) {
      const double gflops = multiply_add_rate(set, threads, seconds);
      const double copy = streams.copy_rate(set, threads, seconds);
      const double triad = streams.triad_rate(set, threads, seconds);
      if (console.json()) {
        console.out(json_line("bench_peak")
                        .add("isa", isa_name(isa))
                        .add("threads", threads)
                        .add("gflops", gflops)
                        .add("copy_gbs", copy)
                        .add("triad_gbs", triad)
                        .add("stream_bytes", streams.bytes()));
      } else {
        console.out(fmt::format("{:<8} {:>8} {:>10.1f} {:>12.1f} {:>12.1f}", isa_name(isa), threads, gflops,
                                copy, triad));
      }
    }
  }
}

}  // namespace firn::cli
