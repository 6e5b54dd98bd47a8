// How good answers are, in words and fields.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "layers/task.h"
#include "tools/app/cli/interval.h"
#include "tools/app/cli/json.h"

namespace firn::cli {

/// An interval of 95 % for each metric; none where there is no way to it. Of a share of right answers
/// Wilson's (1927); of metrics that the task can take of a part of the answers the percentile bootstrap over
/// the samples (Efron 1979), 1000 times or, of more than 20,000 samples, as often as 2·10⁷ draws allow, at
/// least 200 times; its seed is fixed.
std::vector<std::optional<Interval>> intervals_of(const Task& task, const Evaluation& e);

/// "accuracy 0.9250, 95 % 0.8014 to 0.9742", the metrics of an evaluation with semicolons.
std::string scores_text(const Task& task, const Evaluation& e);
/// A metric's value as it is printed: four digits behind the point of a share or R², four in all of others.
std::string metric_text(const TaskMetric& metric, double value);

/// What an evaluation says of one column of answers that are kept.
Evaluation column_of(const Evaluation& e, Index width, Index column);

/// Adds PREFIXaccuracy and the like, and PREFIXinterval of the headline; of the others PREFIXNAME_interval.
void add_scores(JsonObject& line, const std::string& prefix, const Task& task, const Evaluation& e);

}  // namespace firn::cli
