// What a cut costs and brings, for the cut that one asks for: a slider over it.
#pragma once

#include <string>

#include "tools/app/report/page.h"
#include "tools/app/report/study_record.h"

namespace firn::cli::report {

/// HTML of the numbers and the program of the cut that is the study's answer, or of the middle one, with the
/// controls that the page's script (page_script.h) needs to show another cut, model or number of labels.
/// Controls are hidden where no script runs. Empty where there are no two cuts of one setting.
struct CutExplorer {
  std::string html;
  PageTable numbers;        ///< of all cuts
  std::string program_svg;  ///< the answer's program as a file of its own
};
CutExplorer cut_explorer(const StudyRecord& study);

}  // namespace firn::cli::report
