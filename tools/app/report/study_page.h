// A study as a page, and as files of its drawings.
#pragma once

#include <string>
#include <vector>

#include "tools/app/report/study_record.h"

namespace firn::cli::report {

struct StudyPage {
  std::string html;
  struct Chart {
    std::string name;  ///< of the file: "cuts-cnn.svg"
    std::string svg;
  };
  std::vector<Chart> charts;
};

/// The answer first, then the claims, each experiment, what it costs, where the best arm errs, how to run it
/// again. Reads confusions and mistakes from the study's folder.
StudyPage study_page(const StudyRecord& study);

/// Several studies beside each other: answers and verdicts of each. Throws Error(usage) for fewer than two.
std::string studies_page(const std::vector<StudyRecord>& studies);

}  // namespace firn::cli::report
