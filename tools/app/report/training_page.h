// Training runs as a page.
#pragma once

#include <string>
#include <vector>

#include "tools/app/report/training_record.h"

namespace firn::cli::report {

/// One run: what came of it, its curves, what was frozen when, confusions, the audit, how to run it again.
std::string training_page(const TrainingRecord& run);

/// Several runs beside each other: a table of what came of them, their curves in one drawing. Throws
/// Error(usage) for fewer than two.
std::string comparison_page(const std::vector<TrainingRecord>& runs);

/// The curves as a file for TensorBoard; `time` in seconds since 1970 stands in every record, an epoch is a
/// step.
std::string training_events(const TrainingRecord& run, double time);

}  // namespace firn::cli::report
