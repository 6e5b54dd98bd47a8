// What a training run has left in its folder.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "layers/task.h"
#include "tools/app/report/effect_record.h"
#include "tools/app/report/shown.h"

namespace firn::cli::report {

struct TrainingRecord {
  struct Epoch {
    Index epoch = 0;
    double loss = 0, validation_loss = 0, validation_score = 0, rate = 0, gradient_norm = 0;
    std::vector<double> validation_metrics = {};  ///< as `Task::metrics` has them; the first is the score
    double seconds = 0, eval_seconds = 0, rss_mb = 0, trained_share = 0;
    Index steps = 0;
  };
  /// What the run came to; `samples` 0: not recorded.
  struct Result {
    std::string weights;  ///< "best" or "last"
    Index epoch = 0, samples = 0;
    double test_score = 0, low = 0, high = 0, test_loss = 0;
    std::vector<double> test_metrics = {};
    std::vector<double> lows = {}, highs = {};  ///< of their intervals; NaN where there is none
    Index validation_samples = 0;
  };
  struct Change {
    Index step = 0, epoch = 0;
    std::string block;
    bool frozen = false;
  };
  struct Block {
    std::string name;
    Index parameters = 0, trained = 0;  ///< numbers, and those of them that trained at the start
    std::string frozen;                 ///< "yes", "no", "3 of 4"
  };

  std::string path;         ///< of the folder
  std::string model, data;  ///< as they were asked for
  TaskPtr task;             ///< of one target or class: what its metrics are called, what is best
  std::string command;      ///< empty where it was not recorded
  std::vector<Block> blocks;
  std::vector<Epoch> epochs;
  std::vector<Change> changes;
  std::vector<std::string> classes;
  std::vector<Index> confusion;  ///< (true, predicted), row-major, on the test part; may be empty
  std::vector<double> truths,
      answers;  ///< of numbers and labels on the test part, (samples, classes); may be empty
  /// Of the test part: what was got wrong, the surest first, and what it was least sure of; may be empty.
  std::vector<Shown> wrong, unsure;
  std::vector<Index> trained_on, validated_on;  ///< samples of each class; empty: not recorded
  /// With --pictures: several times an epoch how far each block is from where it began, and the rest.
  struct Movement {
    Index epoch = 0, step = 0;        ///< steps made over all epochs; 0: at the end of the epoch
    std::vector<double> blocks = {};  ///< over the block's size; NaN for a block without weights
  };
  std::vector<Movement> movement;
  Effect effect;
  std::vector<std::string> audit;  ///< sentences of the audit of what was frozen; may be empty
  std::vector<std::pair<std::string, std::string>> config, environment;  ///< names with dots, values as text

  bool validated = false;  ///< the epochs have a score and a loss on a part that choices were made on
  /// Older runs chose by the test part and recorded it in each epoch; here that stands for validation.
  bool chose_on_test = false;
  Result result;

  /// The task's headline.
  TaskMetric headline() const { return task->metrics().front(); }
  /// The epoch of the greatest merit, the last of equals; null without one.
  const Epoch* best() const;
};

/// Whether a folder holds a training run.
bool is_training_run(const std::string& folder);

/// Reads config.json, env.json, metrics.jsonl and, where they are there, confusion.json, samples.json,
/// pictures.json and answers.json. Throws Error(data) naming file and line for what is no such file,
/// Error(failure) for one that cannot be read.
TrainingRecord read_training(const std::string& folder);

}  // namespace firn::cli::report
