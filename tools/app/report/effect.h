// What freezing did, in pictures: each with a line that says how to read it and where the idea is from.
#pragma once

#include "tools/app/report/page.h"
#include "tools/app/report/training_record.h"

namespace firn::cli::report {

/// How far each block moved, what a linear classifier answers behind each, its features on a plane, the first
/// filters before and after, one sample's activations, the loss between the beginning and the end; of these
/// what the run has.
void add_effect(Page& page, const TrainingRecord& run);

}  // namespace firn::cli::report
