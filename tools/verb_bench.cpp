#include "tools/verb_bench.h"

#include <fmt/core.h>

#include "engine/base/cpu.h"
#include "engine/base/error.h"
#include "tools/bench_step.h"
#include "tools/options.h"

namespace firn::cli {

namespace {

class Bench final : public Verb {
 public:
  void declare(Arguments& arguments) override {
    arguments.example("step", "every reference model, frozen and not, on all cores");
    arguments.example("step --models cnn,lstm --freeze 0,head --threads 1 --json", "a row a line");
    arguments.positional("WHAT", what_, "what to measure: step");
    arguments.option("--models", models_, "M,...", "models by name");
    arguments.option("--freeze", freezes_, "F,...",
                     "0, half, head, all, or a number of blocks; several with commas");
    arguments.option("--threads", threads_, "T", "threads; one a core unless given");
    arguments.option("--batch", batch_, "B", "samples of a step; each model's usual number unless given");
    arguments.option("--seconds", seconds_, "S", "measured for each row, at least five steps");
    declare_exact(arguments, exact_);
  }

  int run(Console& console) override {
    if (what_ != "step")
      throw Error(Fault::usage, "bench", fmt::format("{}: what can be measured is: step", what_));
    if (threads_ < 0 || threads_ > 256)
      throw Error(Fault::usage, "bench", fmt::format("--threads {} is not in 1..256", threads_));
    if (batch_ < 0) throw Error(Fault::usage, "bench", fmt::format("--batch {} is not positive", batch_));
    if (!(seconds_ > 0))
      throw Error(Fault::usage, "bench", fmt::format("--seconds {} is not positive", seconds_));
    StepBenchmark benchmark;
    benchmark.models = split(models_, ',');
    benchmark.freezes = split(freezes_, ',');
    benchmark.threads = static_cast<int>(threads_);
    benchmark.batch = batch_;
    benchmark.exact = exact_;
    benchmark.seconds = seconds_;
    if (!console.json()) {
      console.note(selected_isa_line() + "; " + exact_text(exact_));
      console.out(fmt::format("{:<10} {:>6} {:>6} {:>8} {:>10} {:>11} {:>6} {:>8} {:>8}", "model", "freeze",
                              "batch", "threads", "step ms", "forward ms", "runs", "kernels", "rss MiB"));
    }
    bench_step(benchmark, [&](const StepRow& row) { print(console, row); });
    return 0;
  }

 private:
  static std::string selected_isa_line() { return fmt::format("{}; kernels: {}", cpu_name(), isa_reason()); }

  static void print(Console& console, const StepRow& row) {
    if (console.json()) {
      console.out(json_line("bench_step")
                      .add("model", row.model)
                      .add("freeze", row.freeze)
                      .add("batch", row.batch)
                      .add("threads", row.threads)
                      .add("step_ms", row.step_ms)
                      .add("forward_ms", row.forward_ms)
                      .add("runs", row.runs)
                      .add("kernels", row.kernels)
                      .add("arena_bytes", row.arena_bytes)
                      .add("rss_mb", row.rss_mb)
                      .add("isa", isa_name(selected_isa())));
      return;
    }
    console.out(fmt::format("{:<10} {:>6} {:>6} {:>8} {:>10.3f} {:>11.3f} {:>6} {:>8} {:>8.0f}", row.model,
                            row.freeze, row.batch, row.threads, row.step_ms, row.forward_ms, row.runs,
                            row.kernels, row.rss_mb));
  }

  std::string what_ = "step";
  std::string models_ = "mlp,cnn,vgg,resnet20,lstm,lstm2";
  std::string freezes_ = "0,half,head,all";
  Index threads_ = 0;
  Index batch_ = 0;
  double seconds_ = 2;
  bool exact_ = false;
};

}  // namespace

VerbPtr make_bench() {
  return std::make_unique<Bench>();
}

}  // namespace firn::cli
