// What a training run came to.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "optim/trainer/trainer.h"
#include "tools/app/cli/json.h"

namespace firn::cli {

/// All numbers are of one set of weights.
struct RunResult {
  std::string weights;  ///< "best": those of the epoch that validation chose; "last": nothing was chosen
  Index epoch = 0;      ///< theirs
  Index epochs = 0;     ///< that were trained
  bool stopped_early = false;
  TaskPtr task;                           ///< that it was trained for
  std::optional<EpochRecord> validation;  ///< of that epoch; none without a validation part
  Index validation_samples = 0;           ///< of the part
  std::optional<Evaluation> test;         ///< none without a test part
  std::string folder;                     ///< empty: nothing was written
  double seconds = 0;                     ///< of the command up to here
  double forecast = 0;                    ///< what was said of it; 0: nothing
  double waiting = 0;                     ///< 0 to 1: of the steps' time, what they waited for data
};

/// The weights that `history` kept, without the test.
RunResult run_result(const History& history, Index validation_samples, TaskPtr task);

/// The closing record: "test_accuracy", or what the task's headline is, with "test_interval" (95 %,
/// `intervals_of`) and "test_samples", and how the weights were chosen.
JsonObject result_json(const RunResult& result);
/// Its fields alone.
JsonObject result_fields(const RunResult& result);

/// "test accuracy 0.9250, 95 % 0.8014 to 0.9742, on 40 samples: weights of epoch 11 of 134, ...".
std::string result_text(const RunResult& result);

/// "took 12.4 s; 11.9 s were forecast; steps waited for data 8 % of their time": of the whole command, which
/// took `seconds`. A share below one in a hundred is not said, nor what was not forecast.
std::string took_text(const RunResult& result, double seconds);

/// Of numbers and labels: truths and answers on the test part, sample after sample, of at most `kMostAnswers`
/// that are evenly spread, with the weights that they are of.
constexpr Index kMostAnswers = 2000;
JsonObject answers_json(const std::vector<std::string>& targets, const RunResult& result);

/// The counts by true class and answer on the test part, with the weights that they are of; none for language
/// models.
JsonObject confusion_json(const std::vector<std::string>& classes, const RunResult& result);

}  // namespace firn::cli
