// The freezing study: what freezing the first blocks costs, saves, and does to accuracy.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "engine/base/real.h"

namespace firn::cli {

struct StudyOptions {
  std::string data = "digits";
  std::vector<std::string> models;  ///< empty: cnn and rowlstm for images, textlstm for text, mlp for vectors
  std::vector<Index> labels{5, 20, 0};  ///< labelled samples a class; 0: all
  Index seeds = 3;
  Index source_epochs = 10;  ///< of training on the first half of the classes
  Index steps = 240;         ///< of learning the other half, the same for every arm
  Index batch = 32;
  double rate = 2e-3;  ///< of Adam, falling along a cosine, the same for every arm
  std::uint64_t first_seed = 1;
  bool exact = false;  ///< direct convolutions only
};

/// One cell of the table: one model, number of labels and cut, over all seeds.
struct StudyRow {
  std::string model;
  Index labels = 0;  ///< a class; 0: all
  Index frozen_blocks = 0;
  Index blocks = 0;
  std::vector<double> accuracies;  ///< on the test part of the other half of the classes, one a seed
  double mean = 0, deviation = 0;  ///< of them; the deviation is the sample's, 0 for one seed
  double step_ms = 0, step_predicted_ms = 0;  ///< one step on one thread, the optimizer's update left out
  double backward_ms = 0, backward_predicted_ms = 0;
  Index arena_bytes = 0, state_bytes = 0;  ///< activations and gradients; optimizer state
  Index train_samples = 0, test_samples = 0;
};

struct StudyProgress {
  Index done = 0, cells = 0;
  std::string what;
};

/// Trains each model on the first half of the data's classes, then from there on the other half with its
/// first 0, 1, ... blocks frozen and a new head. Costs are measured first, alone on one thread; predicted
/// ones come from the times of the step that trains everything (`predicted_seconds`). Arms
/// run on all threads, one arm a thread; the accuracies do not depend on their number. Throws Error(usage)
/// when the data has fewer than four classes or a model does not fit it.
std::vector<StudyRow> run_study(const StudyOptions& options,
                                const std::function<void(const StudyProgress&)>& progress);

/// The rows as a CSV file with a header line, one row a cell.
std::string study_csv(const std::vector<StudyRow>& rows);
/// The rows as a table for people.
std::string study_table(const std::vector<StudyRow>& rows);

}  // namespace firn::cli
