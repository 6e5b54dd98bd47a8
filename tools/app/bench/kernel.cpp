#include "tools/app/bench/kernel.h"

#include <fmt/core.h>

#include <cmath>
#include <functional>
#include <memory>

#include "bench/problem_cases.h"
#include "engine/base/error.h"
#include "engine/base/parallel.h"
#include "engine/base/split.h"
#include "engine/program/cost.h"
#include "tools/app/bench/model.h"
#include "tools/app/cost/timing.h"
#include "tools/app/run/options.h"

namespace firn::cli {

namespace {

/// What is timed in one row: a formula of its costs (no multiply-adds: bound by memory), and its call.
struct Work {
  std::string kernel, size;
  double macs = 0, bytes = 0;
  std::function<void()> call;
};

constexpr double kUnsteady = 0.05;  // of the peak

/// Multiply-adds or bytes a second, in 10^9, and what the machine reached around it.
struct KernelRow {
  Quartiles seconds;
  bool by_memory = false;
  double rate = 0, peak_before = 0, peak_after = 0;
  double peak() const { return 0.5 * (peak_before + peak_after); }
  double share() const { return rate / peak(); }
  /// False where the machine was another one before than after: then the share says little.
  bool steady() const { return std::abs(peak_before - peak_after) <= kUnsteady * peak(); }
};

double macs_of(const Program& program) {
  const PerPass<Cost> total = cost_of(program).total;
  return total.forward.macs + total.input_gradient.macs + total.weight_gradient.macs;
}

class KernelBenchmark {
 public:
  KernelBenchmark(const BenchOptions& options, Console& console)
      : only_(options.only), seconds_(options.seconds.value_or(0.2)), console_(console) {}

  bool wanted(const std::string& kernel, const std::string& size) const {
    return (kernel + " " + size).find(only_) != std::string::npos;
  }

  void measure(const Kernels& set, const Work& work) {
    KernelRow row;
    row.by_memory = !(work.macs > 0);
    row.peak_before = peak(set, row.by_memory);
    row.seconds = time_calls(seconds_, work.call);
    row.peak_after = peak(set, row.by_memory);
    row.rate = 1e-9 * (row.by_memory ? work.bytes : 2 * work.macs) / row.seconds.median;
    print(set, work, row);
  }

 private:
  double peak(const Kernels& set, bool by_memory) {
    const double seconds = seconds_ / 4;
    if (!by_memory) return multiply_add_rate(set, 1, seconds);
    if (streams_ == nullptr) streams_ = std::make_unique<Streams>();
    return streams_->triad_rate(set, 1, seconds);
  }

  void print(const Kernels& set, const Work& work, const KernelRow& row) {
    const std::string_view unit = row.by_memory ? "GB/s" : "GFLOP/s";
    if (console_.json()) {
      console_.out(json_line("bench_kernel")
                       .add("isa", isa_name(set.isa))
                       .add("kernel", work.kernel)
                       .add("size", work.size)
                       .add("ms", row.seconds.median * 1e3)
                       .add("ms_low", row.seconds.low * 1e3)
                       .add("ms_high", row.seconds.high * 1e3)
                       .add("unit", unit)
                       .add("rate", row.rate)
                       .add("peak_before", row.peak_before)
                       .add("peak_after", row.peak_after)
                       .add("share", row.share())
                       .add("steady", row.steady()));
      return;
    }
    if (!headed_) {
      headed_ = true;
      console_.note(machine_line());
      console_.out(fmt::format("{:<8} {:<15} {:<34} {:>10} {:>9} {:<8} {:>8} {:>8} {:>7}", "set", "kernel",
                               "size", "ms", "rate", "unit", "before", "after", "share"));
    }
    console_.out(fmt::format("{:<8} {:<15} {:<34} {:>10.4f} {:>9.1f} {:<8} {:>8.1f} {:>8.1f} {:>6.1f}%{}",
                             isa_name(set.isa), work.kernel, work.size, row.seconds.median * 1e3, row.rate,
                             unit, row.peak_before, row.peak_after, 100 * row.share(),
                             row.steady() ? "" : " ?"));
  }

  std::string only_;
  double seconds_;
  Console& console_;
  std::unique_ptr<Streams> streams_;  // made when a kernel is bound by memory
  bool headed_ = false;
};

}  // namespace

void bench_kernel(const BenchOptions& options, Console& console) {
  const std::vector<Isa> sets = chosen_sets(options.sets, {selected_isa()});
  KernelBenchmark benchmark(options, console);
  set_thread_count(1);
  bool any = false;
  for (const Isa isa : sets) {
    const Kernels& set = kernels(isa);
    for (const problems::KernelCase& item : problems::kernel_cases()) {
      if (!benchmark.wanted(item.kernel, item.size)) continue;
      any = true;
      benchmark.measure(set, {item.kernel, item.size, item.macs, item.bytes, item.prepare(set)});
    }
    if (isa != selected_isa()) continue;
    for (const std::string& name : split(std::string("lenet,") + kReferenceModels, ',')) {
      const std::string size = fmt::format("{} batch {}", name, find_model(name).usual_batch);
      const bool step = benchmark.wanted("step", size), forward = benchmark.wanted("forward", size);
      if (!step && !forward) continue;
      any = true;
      BenchModel model(name, "0", 0, options.exact);
      if (step)
        benchmark.measure(set, {"step", size, macs_of(model.step_program()), 0, [&] { model.step(); }});
      if (forward)
        benchmark.measure(set,
                          {"forward", size, macs_of(model.forward_program()), 0, [&] { model.forward(); }});
    }
  }
  if (!any)
    throw Error(Fault::usage, "bench",
                fmt::format("--only {}: no kernel and size is called so", options.only));
}

}  // namespace firn::cli
