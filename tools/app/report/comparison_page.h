// Training runs beside each other.
#pragma once

#include <string>
#include <vector>

#include "tools/app/report/training_record.h"

namespace firn::cli::report {

/// What came of them, what differs between them, and their curves in one drawing. Throws Error(usage) for
/// fewer than two, and for runs of different tasks.
std::string comparison_page(const std::vector<TrainingRecord>& runs);

}  // namespace firn::cli::report
