#include "tools/app/verbs/bench.h"

#include <fmt/core.h>

#include "engine/base/error.h"
#include "engine/base/glob.h"
#include "tools/app/bench/compare.h"
#include "tools/app/bench/freeze.h"
#include "tools/app/bench/kernel.h"
#include "tools/app/bench/peak.h"
#include "tools/app/bench/step.h"
#include "tools/app/run/options.h"

namespace firn::cli {

namespace {

constexpr struct {
  const char* what;
  Benchmark run;
} kBenchmarks[] = {
    {"step", bench_step},       {"peak", bench_peak},     {"kernel", bench_kernel},
    {"compare", bench_compare}, {"freeze", bench_freeze},
};

class Bench final : public Verb {
 public:
  void declare(Arguments& arguments) override {
    arguments.example("step", "every reference model, frozen and not, on all cores");
    arguments.example("step --models cnn,lstm --freeze 0,head --threads 1 --json", "a row a line");
    arguments.example("step --models mlp --freeze 0 --threads 1,2 --batch 1,16,256",
                      "how much faster two threads are, batch by batch");
    arguments.example("peak", "what the machine can do: multiply-adds in registers, streams over memory");
    arguments.example("kernel --only 'conv2d dw'", "kernels as a share of that peak");
    arguments.example("compare --peer 'python3 steps.py' --models mlp --threads 1", "ratios to a peer");
    arguments.example("freeze --model cnn --threads 1", "every cut of a model: predicted beside measured");
    arguments.example("freeze --weights model.pt2", "every cut of a network from PyTorch");
    arguments.positional("WHAT", what_, "what to measure: step, peak, kernel, compare or freeze");
    arguments.option(
        "--seconds", options_.seconds, "S", above(0, 1e6),
        "measured for each number; at least five runs (step, compare: 2; freeze: 1; peak: 0.5; kernel: 0.2)");
    arguments.option("--threads", threads_, "T,...",
                     "threads; one a core unless given; kernels have one; step: with several their ratios");
    arguments.group("Steps (step, compare, freeze)");
    arguments.option("--models,--model", options_.models, "M,...",
                     "models by name, or files as --weights (the reference models)");
    arguments.option("--weights", weights_, "FILE",
                     "weights, a network of another program or a run's folder");
    arguments.option("--freeze", options_.freezes, "F,...",
                     "0, half, head, all, or a number of blocks; several with commas (freeze: every cut)");
    arguments.option("--batch", batches_, "B,...",
                     "samples of a step; each model's usual number unless given (compare: one)");
    arguments.flag("--neighbour", options_.neighbour,
                   "beside a process that computes without end and quietly, in turns (step)");
    declare_trace(arguments, options_.trace);
    declare_exact(arguments, options_.exact);
    declare_precision(arguments, options_.precision);
    arguments.choice("--precision", options_.all_precision, {"fp32", "bf16"},
                     "of all layers (step, compare; fp32)");
    declare_calibrate(arguments, options_.calibrate);
    arguments.group("The machine and its kernels (peak, kernel)");
    arguments.option("--isa", options_.sets, "SET,...",
                     "instruction sets, or all (peak: all; kernel: the one in force)");
    arguments.option("--only", options_.only, "TEXT", "kernels and sizes whose name holds it (kernel)");
    arguments.group("A peer (compare)");
    arguments.option("--peer", options_.peer, "COMMAND",
                     "prints rows as bench/README.md says, for --models, --freeze, --threads and --seconds");
    arguments.option("--peer-threads", options_.peer_threads, "T,...",
                     "the peer's threads; with several its best time counts (as many as firn's)");
    arguments.option("--pairs", options_.pairs, "N", from_to(1, 1e6),
                     "measurements of each side for a row (5)");
  }

  int run(Console& console) override {
    for (const auto& benchmark : kBenchmarks) {
      if (what_ != benchmark.what) continue;
      options_.threads = numbers_in(threads_, kThreads, {"bench", "--threads"});
      options_.batches = numbers_in(batches_, from_to(1, 1 << 20), {"bench", "--batch"});
      take_weights();
      check();
      benchmark.run(options_, console);
      console.close(JsonObject().add("what", what_));
      return 0;
    }
    std::vector<std::string> names;
    for (const auto& benchmark : kBenchmarks) names.emplace_back(benchmark.what);
    throw Error(Fault::usage, "bench",
                fmt::format("{}: what can be measured is step, peak, kernel, compare, freeze{}", what_,
                            did_you_mean(what_, names)));
  }

 private:
  void take_weights() {
    if (weights_.empty()) return;
    if (!options_.models.empty()) refuse("--weights and --models are the same: give one of them");
    if (weights_.find(',') != std::string::npos)
      refuse(fmt::format("--weights '{}': a path without commas", weights_));
    options_.models = weights_;
  }
  static void refuse(const std::string& text) { throw Error(Fault::usage, "bench", text); }

  /// Values in their range, and no option that the benchmark would pass over.
  void check() const {
    const BenchOptions& o = options_;
    const bool step = what_ == "step", peak = what_ == "peak", kernel = what_ == "kernel";
    const bool compare = what_ == "compare", freeze = what_ == "freeze";
    const struct {
      const char* option;
      bool given, taken;
    } rules[] = {
        {"--threads", !o.threads.empty(), !kernel},
        {"list of --threads", o.threads.size() > 1, step},
        {"--models", !o.models.empty(), step || compare || freeze},
        {"--freeze", !o.freezes.empty(), step || compare || freeze},
        {"--batch", !o.batches.empty(), step || compare || freeze},
        {"list of --batch", o.batches.size() > 1, step},
        {"--neighbour", o.neighbour, step},
        {"--trace", !o.trace.path.empty(), step && !o.neighbour && o.threads.size() < 2},
        {"--exact", o.exact, !peak},
        {"--calibrate", o.calibrate, freeze},
        {"--precision", o.all_precision != "fp32",
         (step && o.threads.size() <= 1 && !o.neighbour) || compare},
        {"--frozen-precision", o.precision != "fp32", step || compare || freeze},
        {"--isa", !o.sets.empty(), peak || kernel},
        {"--only", !o.only.empty(), kernel},
        {"--peer", !o.peer.empty(), compare},
        {"--peer-threads", !o.peer_threads.empty(), compare},
        {"--pairs", o.pairs > 0, compare},
    };
    frozen_precision(o.precision, o.exact);
    frozen_precision(o.all_precision, o.exact, "--precision");
    for (const auto& rule : rules) {
      if (rule.given && !rule.taken) refuse(fmt::format("{} takes no {}", what_, rule.option));
    }
  }

  std::string what_ = "step";
  std::string threads_, batches_, weights_;
  BenchOptions options_;
};

}  // namespace

VerbPtr make_bench() {
  return std::make_unique<Bench>();
}

}  // namespace firn::cli
