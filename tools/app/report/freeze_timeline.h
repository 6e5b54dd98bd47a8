// When which block was frozen, over the epochs of a run.
#pragma once

#include "tools/app/report/page.h"
#include "tools/app/report/training_record.h"

namespace firn::cli::report {

/// Adds a lane a block, the head at the top, ice where it was frozen, pale where a part of it was, on an axis
/// of epochs; nothing where no block was ever frozen.
void add_timeline(Page& page, const TrainingRecord& run);

}  // namespace firn::cli::report
