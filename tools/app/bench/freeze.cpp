#include "tools/app/bench/freeze.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "engine/base/parallel.h"
#include "engine/base/split.h"
#include "tools/app/bench/model.h"
#include "tools/app/cli/table.h"
#include "tools/app/cost/step_forecast.h"
#include "tools/app/cost/timing.h"
#include "tools/app/run/options.h"

namespace firn::cli {

namespace {

constexpr int kRounds = 5;

/// One cut: its program and what came of it.
struct Cut {
  std::string freeze;  ///< as `BenchModel` takes it
  Index frozen = 0;    ///< blocks
  std::unique_ptr<BenchModel> model;
  StepForecast forecast;
  std::vector<double> seconds;
  double resident = 0, resident_forecast = 0;  ///< bytes

  double ms() const { return quartiles(seconds).median * 1e3; }
  double predicted_ms() const { return forecast.seconds() * 1e3; }
};

class FreezeBenchmark {
 public:
  FreezeBenchmark(const BenchOptions& options, Console& console)
      : options_(options),
        console_(console),
        threads_(options.threads.empty() ? thread_count() : static_cast<int>(options.threads[0])),
        machine_(options.calibrate) {
    set_thread_count(threads_);
  }

  void run(const std::string& name) {
    const ModelEntry entry = bench_entry(name);
    const auto blocks =
        static_cast<Index>(entry.make(entry.default_input, entry.usual_classes)->blocks().size());
    cuts_.clear();
    for (const std::string& freeze : wanted(blocks)) add(name, freeze, blocks);
    predict(name);
    measure();
    for (Cut& cut : cuts_)
      cut.resident = measured_resident(
          {name, cut.freeze, options_.batch(), threads_, options_.exact, options_.precision});
    print(name);
  }

 private:
  std::vector<std::string> wanted(Index blocks) const {
    if (!options_.freezes.empty()) return split(options_.freezes, ',');
    std::vector<std::string> all;
    for (Index k = 0; k <= blocks; ++k) all.push_back(k == blocks ? "all" : std::to_string(k));
    return all;
  }

  void add(const std::string& name, const std::string& freeze, Index blocks) {
    Cut cut;
    cut.freeze = freeze;
    cut.model = std::make_unique<BenchModel>(name, freeze, options_.batch(), options_.exact,
                                             frozen_precision(options_.precision, options_.exact));
    for (Index block = 0; block < blocks; ++block) {
      const auto parameters = cut.model->model().block_parameters(static_cast<int>(block));
      cut.frozen += std::all_of(parameters.begin(), parameters.end(),
                                [](const auto& p) { return !p.parameter->trainable(); });
    }
    cuts_.push_back(std::move(cut));
  }

  void predict(const std::string& name) {
    std::optional<Progress> progress;
    Index total = 0;
    for (Cut& cut : cuts_) {
      const Program& program = cut.model->step_program();
      total = 0;
      cut.forecast = forecast_step(cut.model->model(), program, BenchModel::make_optimizer, threads_,
                                   machine_, [&](Index left) {
                                     if (left > total || !progress) {
                                       total = left;
                                       progress.emplace(console_, name + ": measuring kernels", total);
                                     }
                                     progress->at(total - left);
                                   });
      progress.reset();
      cut.resident_forecast = static_cast<double>(base_bytes(threads_, machine_) + cut.forecast.bytes.all());
    }
    machine_.save();
  }

  /// The cuts take turns, so that what slows the machine for a while slows all of them.
  void measure() {
    const double seconds = options_.seconds.value_or(1) / kRounds;
    for (int round = 0; round < kRounds; ++round) {
      for (Cut& cut : cuts_)
        cut.seconds.push_back(median_own_seconds(seconds, threads_, [&] { cut.model->step(); }));
    }
    for (Cut& cut : cuts_) cut.model.reset();
  }

  void print(const std::string& name) {
    Table table({"frozen", "predicted ms", "measured ms", "ratio", "predicted MiB", "measured MiB", "ratio"});
    std::vector<double> time_errors, memory_errors;
    for (const Cut& cut : cuts_) {
      const double time = cut.predicted_ms() / cut.ms(), memory = cut.resident_forecast / cut.resident;
      time_errors.push_back(std::abs(time - 1));
      memory_errors.push_back(std::abs(memory - 1));
      const auto mib = [](double bytes) { return fmt::format("{:.1f}", bytes / 1048576); };
      table.row({cut.freeze, fmt::format("{:.3f}", cut.predicted_ms()), fmt::format("{:.3f}", cut.ms()),
                 fmt::format("{:.3f}", time), mib(cut.resident_forecast), mib(cut.resident),
                 fmt::format("{:.3f}", memory)});
      if (console_.json()) print_row(name, cut);
    }
    const double time = *std::max_element(time_errors.begin(), time_errors.end());
    const double memory = *std::max_element(memory_errors.begin(), memory_errors.end());
    const double time_median = quartiles(time_errors).median, memory_median = quartiles(memory_errors).median;
    if (console_.json()) {
      console_.out(json_line("bench_freeze_errors")
                       .add("model", name)
                       .add("cuts", cuts_.size())
                       .add("time_largest", time)
                       .add("time_median", time_median)
                       .add("memory_largest", memory)
                       .add("memory_median", memory_median));
      return;
    }
    console_.out(fmt::format("{}, steps on {} thread{}; 0 to all of the first blocks frozen", name, threads_,
                             threads_ == 1 ? "" : "s"));
    console_.out(table.text());
    console_.out(fmt::format(
        "errors: time at most {:.1f} %, median {:.1f} %; memory at most {:.1f} %, median {:.1f} %",
        100 * time, 100 * time_median, 100 * memory, 100 * memory_median));
  }

  void print_row(const std::string& name, const Cut& cut) {
    const Forecast& program = cut.forecast.program;
    console_.out(json_line("bench_freeze")
                     .add("model", name)
                     .add("freeze", cut.freeze)
                     .add("frozen_blocks", cut.frozen)
                     .add("threads", threads_)
                     .add("predicted_ms", cut.predicted_ms())
                     .add("measured_ms", cut.ms())
                     .add("forward_ms", program.total.forward * 1e3)
                     .add("input_gradient_ms", program.total.input_gradient * 1e3)
                     .add("weight_gradient_ms", program.total.weight_gradient * 1e3)
                     .add("optimizer_ms", cut.forecast.optimizer_seconds * 1e3)
                     .add("waiting_ms", program.waiting * 1e3)
                     .add("predicted_bytes", static_cast<Index>(cut.resident_forecast))
                     .add("measured_bytes", static_cast<Index>(cut.resident))
                     .add("arena_bytes", cut.forecast.bytes.arena)
                     .add("kernels_measured", program.priced_anew));
  }

  const BenchOptions& options_;
  Console& console_;
  int threads_;
  Machine machine_;
  std::vector<Cut> cuts_;
};

}  // namespace

void bench_freeze(const BenchOptions& options, Console& console) {
  const auto models = split(options.models.empty() ? kReferenceModels : options.models, ',');
  for (const std::string& name : models) {
    const ModelEntry entry = bench_entry(name);
    const ModelPtr model = entry.make(entry.default_input, entry.usual_classes);
    for (const std::string& freeze : split(options.freezes, ',')) {
      if (!options.freezes.empty()) model->set_freeze(freeze == "0" ? "none" : freeze);
    }
  }
  FreezeBenchmark benchmark(options, console);
  if (!console.json()) console.note(machine_line() + "; " + exact_text(options.exact));
  for (const std::string& name : models) benchmark.run(name);
}

}  // namespace firn::cli
