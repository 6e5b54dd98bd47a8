// A training run as a page.
#pragma once

#include <string>

#include "tools/app/report/training_record.h"

namespace firn::cli::report {

/// What came of it, samples that it got wrong and was least sure of, classes, curves, what was frozen when,
/// the audit, how to run it again.
std::string training_page(const TrainingRecord& run);

/// The curves as a file for TensorBoard; `time` in seconds since 1970 stands in every record, an epoch is a
/// step.
std::string training_events(const TrainingRecord& run, double time);

}  // namespace firn::cli::report
