#include "tools/app/run/result.h"

#include <fmt/core.h>

#include <numbers>

#include "tools/app/cli/duration.h"
#include "tools/app/cost/linear_probe.h"

namespace firn::cli {

RunResult run_result(const History& history, Index validation_samples, bool language_model) {
  RunResult result;
  result.epochs = static_cast<Index>(history.epochs.size());
  result.stopped_early = history.stopped_early;
  result.language_model = language_model;
  const bool chosen = history.best_epoch > 0;
  result.weights = chosen ? "best" : "last";
  result.epoch = chosen ? history.best_epoch : result.epochs;
  if (!chosen) return result;
  result.validation = history.epochs[static_cast<std::size_t>(history.best_epoch - 1)];
  result.validation_samples = validation_samples;
  return result;
}

JsonObject result_json(const RunResult& result) {
  return json_line("result").add_all(result_fields(result));
}

JsonObject result_fields(const RunResult& result) {
  JsonObject line;
  line.add("weights", result.weights).add("best_epoch", result.epoch).add("epochs", result.epochs);
  line.add("stopped_early", result.stopped_early);
  if (result.validation) {
    line.add("validation_accuracy", result.validation->validation_accuracy);
    line.add("validation_loss", result.validation->validation_loss);
    line.add("validation_samples", result.validation_samples);
  }
  if (result.test) {
    const Interval interval = wilson_interval(result.test->accuracy(), result.test->samples);
    line.add("test_accuracy", result.test->accuracy());
    line.add("test_interval", std::vector<double>{interval.low, interval.high});
    line.add("test_samples", result.test->samples).add("test_loss", result.test->loss);
    if (result.language_model) line.add("bits_per_character", result.test->loss / std::numbers::ln2);
  }
  if (!result.folder.empty()) line.add("run", result.folder);
  if (result.forecast > 0) line.add("forecast_seconds", result.forecast);
  return line.add("seconds", result.seconds);
}

std::string took_text(double seconds, double forecast) {
  return "took " + seconds_text(seconds) +
         (forecast > 0 ? fmt::format("; {} were forecast", seconds_text(forecast)) : "");
}

std::string result_text(const RunResult& result) {
  std::string text = "no test part";
  if (result.test) {
    const Interval interval = wilson_interval(result.test->accuracy(), result.test->samples);
    text = fmt::format("test accuracy {:.4f}, 95 % {:.4f} to {:.4f}, on {} {}", result.test->accuracy(),
                       interval.low, interval.high, result.test->samples,
                       result.language_model ? "characters" : "samples");
  }
  text += fmt::format(": weights of epoch {} of {}, ", result.epoch, result.epochs);
  if (result.validation) {
    text += fmt::format("the best on validation ({:.4f} of {})", result.validation->validation_accuracy,
                        result.validation_samples);
  } else {
    text += "the last";
  }
  if (result.stopped_early) text += ", then not better: ended early";
  if (!result.folder.empty()) text += "; " + result.folder;
  return text;
}

JsonObject confusion_json(const std::vector<std::string>& classes, const RunResult& result) {
  std::vector<std::int64_t> counts;
  if (result.test) counts.assign(result.test->confusion.begin(), result.test->confusion.end());
  return json_line("confusion")
      .add("part", "test")
      .add("weights", result.weights)
      .add("classes", classes)
      .add("counts", counts);
}

}  // namespace firn::cli
