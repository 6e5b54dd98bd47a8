#include "tools/app/bench/step.h"

#include <fmt/core.h>

#include "engine/base/error.h"
#include "engine/base/parallel.h"
#include "engine/base/split.h"
#include "optim/trainer/trainer.h"
#include "tools/app/bench/model.h"
#include "tools/app/bench/pairs.h"
#include "tools/app/cost/timing.h"
#include "tools/app/run/options.h"

namespace firn::cli {

namespace {

struct StepRow {
  std::string model, freeze, precision, all_precision;
  Index batch = 0;
  int threads = 0;
  double step_ms = 0, forward_ms = 0;
  Index runs = 0;                      ///< of the step
  double step_rss_mb = 0, rss_mb = 0;  ///< behind the steps; behind the forward passes too
  Index arena_bytes = 0;
  Index kernels = 0;
};

StepRow measure(const std::string& name, const std::string& freeze, Index batch, const BenchOptions& options,
                const std::shared_ptr<StepTrace>& trace) {
  const double seconds = options.seconds.value_or(2);
  BenchModel model(name, freeze, batch, options.exact, frozen_precision(options.precision, options.exact),
                   frozen_precision(options.all_precision, options.exact, "--precision"), trace);
  StepRow row{.model = name,
              .freeze = freeze,
              .precision = options.precision,
              .all_precision = options.all_precision,
              .batch = model.batch(),
              .threads = thread_count()};
  row.step_ms = median_ms(
      seconds, [&] { model.step(); }, &row.runs);
  row.step_rss_mb = peak_rss_mb();
  row.forward_ms = median_ms(seconds / 2, [&] { model.forward(); });
  row.arena_bytes = model.step_program().arena_bytes(row.threads);
  row.kernels = static_cast<Index>(model.step_program().plan().steps.size());
  row.rss_mb = peak_rss_mb();
  return row;
}

void print(Console& console, const StepRow& row) {
  if (console.json()) {
    console.out(json_line("bench_step")
                    .add("model", row.model)
                    .add("freeze", row.freeze)
                    .add("precision", row.all_precision)
                    .add("frozen_precision", row.precision)
                    .add("batch", row.batch)
                    .add("threads", row.threads)
                    .add("step_ms", row.step_ms)
                    .add("forward_ms", row.forward_ms)
                    .add("runs", row.runs)
                    .add("kernels", row.kernels)
                    .add("arena_bytes", row.arena_bytes)
                    .add("step_rss_mb", row.step_rss_mb)
                    .add("rss_mb", row.rss_mb)
                    .add("isa", isa_name(selected_isa())));
    return;
  }
  console.out(fmt::format("{:<10} {:>6} {:>6} {:>8} {:>10.3f} {:>11.3f} {:>6} {:>8} {:>8.0f}", row.model,
                          row.freeze, row.batch, row.threads, row.step_ms, row.forward_ms, row.runs,
                          row.kernels, row.rss_mb));
}

}  // namespace

void bench_step(const BenchOptions& options, Console& console) {
  const auto models = split(options.models.empty() ? kReferenceModels : options.models, ',');
  const auto freezes = split(options.freezes.empty() ? "0,half,head,all" : options.freezes, ',');
  for (const std::string& name : models) bench_entry(name);
  if (options.neighbour) return bench_neighbour(models, freezes, options, console);
  if (options.threads.size() > 1) return bench_scaling(models, freezes, options, console);
  if (!options.trace.path.empty() &&
      models.size() * freezes.size() * options.batches_or_usual().size() != 1) {
    throw Error(Fault::usage, "bench", "--trace wants one --model, one --freeze and one --batch");
  }
  console.make_way_for(options.trace.path, {});
  const std::shared_ptr<StepTrace> trace = make_trace(options.trace, 2);
  if (!options.threads.empty()) set_thread_count(static_cast<int>(options.threads[0]));
  if (!console.json()) {
    const bool all = options.all_precision == "bf16";
    const std::string precision = precision_text(all ? options.all_precision : options.precision, all);
    console.note(machine_line() + "; " + exact_text(options.exact) +
                 (precision.empty() ? "" : "; " + precision));
    console.out(fmt::format("{:<10} {:>6} {:>6} {:>8} {:>10} {:>11} {:>6} {:>8} {:>8}", "model", "freeze",
                            "batch", "threads", "step ms", "forward ms", "runs", "kernels", "rss MiB"));
  }
  for (const std::string& name : models) {
    for (const std::string& freeze : freezes) {
      for (const Index batch : options.batches_or_usual())
        print(console, measure(name, freeze, batch, options, trace));
    }
  }
  if (trace) write_trace(console, options.trace, *trace);
}

}  // namespace firn::cli
