#include "tools/app/run/result.h"

#include <fmt/core.h>

#include <algorithm>
#include <numbers>

#include "tools/app/cli/duration.h"
#include "tools/app/run/scores.h"

namespace firn::cli {

RunResult run_result(const History& history, Index validation_samples, TaskPtr task) {
  RunResult result;
  result.epochs = static_cast<Index>(history.epochs.size());
  result.stopped_early = history.stopped_early;
  if (history.step_seconds > 0) result.waiting = history.waiting_seconds / history.step_seconds;
  result.task = std::move(task);
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
    const std::vector<TaskMetric> metrics = result.task->metrics();
    for (std::size_t i = 0; i < metrics.size(); ++i)
      line.add("validation_" + metrics[i].name, result.validation->validation_metrics[i]);
    line.add("validation_loss", result.validation->validation_loss);
    line.add("validation_samples", result.validation_samples);
  }
  if (result.test) {
    add_scores(line, "test_", *result.task, *result.test);
    line.add("test_samples", result.test->samples).add("test_loss", result.test->loss);
    if (result.task->each_step()) line.add("bits_per_character", result.test->loss / std::numbers::ln2);
  }
  if (!result.folder.empty()) line.add("run", result.folder);
  if (result.forecast > 0) line.add("forecast_seconds", result.forecast);
  return line.add("seconds", result.seconds);
}

std::string took_text(const RunResult& result, double seconds) {
  const double forecast = result.forecast, waiting = result.waiting;
  return "took " + seconds_text(seconds) +
         (forecast > 0 ? fmt::format("; {} were forecast", seconds_text(forecast)) : "") +
         (waiting >= 0.01 ? fmt::format("; steps waited for data {:.0f} % of their time", waiting * 100)
                          : "");
}

std::string result_text(const RunResult& result) {
  std::string text = "no test part";
  if (result.test) {
    text = fmt::format("test {}, on {} {}", scores_text(*result.task, *result.test), result.test->samples,
                       result.task->each_step() ? "characters" : "samples");
  }
  text += fmt::format(": weights of epoch {} of {}, ", result.epoch, result.epochs);
  if (result.validation) {
    text += fmt::format("the best on validation ({} of {})",
                        metric_text(result.task->metrics().front(), result.validation->validation_score),
                        result.validation_samples);
  } else {
    text += "the last";
  }
  if (result.stopped_early) text += ", then not better: ended early";
  if (!result.folder.empty()) text += "; " + result.folder;
  return text;
}

JsonObject answers_json(const std::vector<std::string>& targets, const RunResult& result) {
  std::vector<double> truths, answers;
  if (result.test) {
    const Index width = result.task->width(), all = result.test->samples, some = std::min(all, kMostAnswers);
    for (Index k = 0; k < some; ++k) {
      const Index row = k * all / some;
      for (Index c = 0; c < width; ++c) {
        truths.push_back(result.test->truths[static_cast<std::size_t>(row * width + c)]);
        answers.push_back(result.test->answers[static_cast<std::size_t>(row * width + c)]);
      }
    }
  }
  return json_line("answers")
      .add("task", result.task->name())
      .add("part", "test")
      .add("weights", result.weights)
      .add("targets", targets)
      .add("truths", truths)
      .add("answers", answers);
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
