#include "tools/app/run/audit.h"

#include <fmt/core.h>
#include <fmt/format.h>

#include <algorithm>

#include "engine/base/error.h"
#include "engine/base/parallel.h"
#include "engine/program/price.h"
#include "tools/app/cost/step_forecast.h"
#include "tools/app/run/freezing.h"

namespace firn::cli {

namespace {

constexpr Index kMostKernels = 100;  // to be priced before a run

StepFigures figures_of(const Program& program) {
  StepFigures figures;
  const PerPass<Cost> total = cost_of(program).total;
  figures.macs = total.forward.macs + total.input_gradient.macs + total.weight_gradient.macs;
  figures.kernels = static_cast<Index>(program.plan().steps.size());
  const ProgramBytes bytes = bytes_of(program, thread_count());
  figures.bytes = bytes.arena + bytes.once;
  return figures;
}

std::string milliseconds(double seconds) {
  return seconds < 1e-3 ? fmt::format("{:.3f} ms", seconds * 1e3) : fmt::format("{:.1f} ms", seconds * 1e3);
}

std::string megabytes(Index bytes) {
  return fmt::format("{:.1f} MB", static_cast<double>(bytes) * 1e-6);
}

}  // namespace

std::optional<FrozenForecast> forecast_frozen(Model& model, ProgramCache& programs, Index batch,
                                              const Shape& sample,
                                              const std::optional<FeatureCache::Planned>& kept,
                                              Machine& machine) {
  if (!anything_frozen(model) || parameter_count(model.parameters(), true) == 0) return std::nullopt;
  FrozenForecast result;
  result.batch = batch;
  Program& program = programs.training(batch, sample);
  result.frozen = figures_of(program);
  if (result.frozen.kernels > kMostKernels || !(result.frozen.macs > 0)) return std::nullopt;
  const auto seconds_of = [&](Program& priced) {
    const std::vector<Tensor> fed = feed_indices(priced, model.input().vocabulary);
    const int threads = thread_count();
    return forecast(priced, threads, machine.overheads(priced.threads_of(threads)), machine.prices()).seconds;
  };
  result.frozen.seconds = seconds_of(program);
  if (kept) {
    result.kept_seconds = seconds_of(programs.head_training(batch, sample, kept->cut));
    result.computing_epochs = kept->epochs;
  }
  Program& full = programs.training(batch, sample, FreezeSet());
  result.full = figures_of(full);
  const std::vector<NamedParameter> all = model.parameters();
  const bool in_part = std::any_of(all.begin(), all.end(),
                                   [](const auto& p) { return p.parameter->trainable_ranges() != nullptr; });
  // Parts change few kernels, and these less than their multiply-adds say.
  result.full.seconds =
      in_part ? seconds_of(full) : result.frozen.seconds * result.full.macs / result.frozen.macs;
  return result;
}

void report_forecast(Console& console, const FrozenForecast& forecast) {
  console.note(fmt::format(
      "forecast: a step of {} takes {} where everything trains, {} with this frozen ({:.1f} times as "
      "fast){}; "
      "{} kernels instead of {}, {} instead of {}",
      forecast.batch, milliseconds(forecast.full.seconds), milliseconds(forecast.frozen.seconds),
      forecast.full.seconds / forecast.frozen.seconds,
      forecast.kept_seconds ? fmt::format(", {} from kept features", milliseconds(*forecast.kept_seconds))
                            : "",
      forecast.frozen.kernels, forecast.full.kernels, megabytes(forecast.frozen.bytes),
      megabytes(forecast.full.bytes)));
}

namespace {

/// Adds what the last validation came to, and with the same weights in fp32; returns the sentence.
std::string add_precision(JsonObject& line, std::string_view what, const History& history,
                          const Evaluation& in_fp32, const Task& task) {
  const Evaluation& low = history.last_evaluation;
  const TaskMetric headline = task.metrics().front();
  line.add("bf16_" + headline.name, low.score()).add("bf16_loss", low.loss);
  line.add("fp32_" + headline.name, in_fp32.score()).add("fp32_loss", in_fp32.loss);
  return fmt::format(
      "{}: validation {} {:.4f} and loss {:.4f}, with the same weights in fp32 {:.4f} and {:.4f}", what,
      headline.text, low.score(), low.loss, in_fp32.score(), in_fp32.loss);
}

}  // namespace

JsonObject report_precision(Console& console, const History& history, const Evaluation& in_fp32,
                            const Task& task) {
  JsonObject line = json_line("precision");
  const std::string sentence = add_precision(line, "in bf16", history, in_fp32, task);
  line.add("sentences", std::vector<std::string>{sentence});
  if (console.json()) console.out(line);
  console.note("precision: " + sentence);
  return line;
}

JsonObject report_audit(Console& console, const History& history,
                        const std::optional<FrozenForecast>& forecast,
                        const std::optional<Evaluation>& in_fp32, const Task& task) {
  const AuditReport& audit = history.audit;
  std::vector<std::string> sentences;
  sentences.push_back(
      fmt::format("frozen tensors unchanged: {}/{}{} (sha256)", audit.unchanged(), audit.watched,
                  audit.in_part > 0 ? fmt::format(", {} of them frozen in part", audit.in_part) : ""));
  if (!audit.changed.empty()) sentences.push_back(fmt::format("changed: {}", fmt::join(audit.changed, ", ")));
  JsonObject line = json_line("audit");
  line.add("watched", audit.watched).add("in_part", audit.in_part).add("unchanged", audit.unchanged());
  line.add("changed", audit.changed);
  Index steps = 0;
  double seconds = 0;
  for (const EpochRecord& epoch : history.epochs) {
    steps += epoch.steps;
    seconds += epoch.seconds;
  }
  line.add("steps", steps).add("seconds", seconds);
  // Blocks that came and went have no one step to be held against.
  if (forecast && history.changes.empty() && steps > 0) {
    const FrozenForecast& f = *forecast;
    const double made = static_cast<double>(steps);
    double first = 0;
    for (const EpochRecord& epoch : history.epochs) {
      if (epoch.epoch <= f.computing_epochs) first += static_cast<double>(epoch.steps);
    }
    const double full = f.full.seconds * made;
    const double frozen =
        f.frozen.seconds * first + f.kept_seconds.value_or(f.frozen.seconds) * (made - first);
    sentences.push_back(fmt::format("saved in each step: {} of {} kernels, {} of {}",
                                    f.full.kernels - f.frozen.kernels, f.full.kernels,
                                    megabytes(f.full.bytes - f.frozen.bytes), megabytes(f.full.bytes)));
    sentences.push_back(fmt::format(
        "time: {:.2f} s for {} steps; forecast {:.2f} s with this frozen{}, {:.2f} s where everything "
        "trains: {:.2f} s saved",
        seconds, steps, frozen, f.kept_seconds ? " and its features kept" : "", full, full - seconds));
    line.add("kernels", f.frozen.kernels).add("kernels_full", f.full.kernels);
    line.add("bytes", f.frozen.bytes).add("bytes_full", f.full.bytes);
    line.add("forecast_seconds", frozen).add("forecast_seconds_full", full);
  }
  if (in_fp32) sentences.push_back(add_precision(line, "frozen part in bf16", history, *in_fp32, task));
  line.add("sentences", sentences);
  if (console.json()) console.out(line);
  for (const std::string& sentence : sentences) console.note("audit: " + sentence);
  if (!audit.changed.empty()) {
    throw Error(Fault::failure, "audit",
                fmt::format("{} changed while it was frozen", fmt::join(audit.changed, ", ")));
  }
  return line;
}

}  // namespace firn::cli
