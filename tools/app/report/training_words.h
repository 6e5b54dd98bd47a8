// How pages of training runs say and draw their numbers.
#pragma once

#include <string>
#include <string_view>

#include "tools/app/report/plot.h"
#include "tools/app/report/training_record.h"

namespace firn::cli::report {

/// "84.1 %"
std::string percent(double share);
/// A metric as pages have it; "–" where it is not finite.
std::string metric_words(const TaskMetric& metric, double value);
/// The same of the task's headline.
std::string score_text(const TrainingRecord& run, double value);
/// "Accuracy", "R²".
std::string headline_title(const TrainingRecord& run);
Unit score_unit(const TrainingRecord& run);
/// What the loss is, in words.
std::string loss_words(const TrainingRecord& run);
/// The same of the task of this name (`Task::name`).
std::string loss_words(std::string_view task);
/// Of training, all epochs.
double total_seconds(const TrainingRecord& run);

/// A value of each epoch as a line.
Series curve(const TrainingRecord& run, std::string name, double TrainingRecord::Epoch::*value);
/// Axes for such lines.
Plot epoch_plot(std::string title, std::string description, std::string y, Unit unit);

}  // namespace firn::cli::report
