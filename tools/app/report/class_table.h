// Classes with their counts and what became of them.
#pragma once

#include "tools/app/report/page.h"
#include "tools/app/report/training_record.h"

namespace firn::cli::report {

/// A row a class: samples it was trained, validated and tested on, how many were answered rightly with
/// Wilson's interval (1927) at 95 %, how many of the answers of this class were right, and what it was most
/// often taken for.
PageTable class_table(const TrainingRecord& run);

}  // namespace firn::cli::report
