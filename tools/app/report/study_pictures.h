// What freezing did inside the networks of a study.
#pragma once

#include "tools/app/report/page.h"
#include "tools/app/report/study_record.h"

namespace firn::cli::report {

/// A section with the pictures of the first answer's trainings: learning curves over what was frozen when,
/// and those of `add_effect`; nothing where the study has none.
void add_study_pictures(Page& page, const StudyRecord& study);

}  // namespace firn::cli::report
