// What a study's page says before all else: what to do, and what is not known.
#pragma once

#include "tools/app/report/page.h"
#include "tools/app/report/study_record.h"

namespace firn::cli::report {

/// A card for each model, target and number of labels: what to do, what came of it, and each other kind of
/// arm held against it. The first stands out; beyond six the rest is folded.
void add_study_answers(Page& page, const StudyRecord& study);

/// What the study cannot tell: arms that are not done, claims undecided, one seed, too few seeds or items,
/// and what the intervals do not speak of.
void add_unknown(Page& page, const StudyRecord& study);

}  // namespace firn::cli::report
