// Answers of numbers and of several labels beside the truth.
#pragma once

#include "tools/app/report/page.h"
#include "tools/app/report/training_record.h"

namespace firn::cli::report {

/// Regression: predicted against true, a picture for each of at most six targets, and the largest errors.
/// Several labels: how often each is there, is found and is claimed.
void add_answers(Page& page, const TrainingRecord& run);

}  // namespace firn::cli::report
