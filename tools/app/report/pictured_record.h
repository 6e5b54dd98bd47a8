// The table `pictures` of a study.
#pragma once

#include "tools/app/record/sqlite.h"
#include "tools/app/report/study_record.h"

namespace firn::cli::report {

/// Fills `pictured` and `ways` of a study whose arms are known. Throws Error(data) naming the file for what is
/// no such content.
void read_pictured(Database& database, StudyRecord& study);

}  // namespace firn::cli::report
