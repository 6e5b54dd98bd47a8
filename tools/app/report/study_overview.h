// The whole study at one look: a panel for each setting and number of labels, all on one scale.
#pragma once

#include <string>
#include <vector>

#include "tools/app/report/study_charts.h"

namespace firn::cli::report {

/// The kinds of arms, which are switched on and off: rows and dots of the panels have the class "arm-KIND".
struct ArmKind {
  const char* name;   ///< "scratch", "full", "copied", "random", "policy"
  const char* words;  ///< for the legend
};
const std::vector<ArmKind>& arm_kinds();
const ArmKind& kind_of(const StudyRecord::Arm& arm);

struct Overview {
  struct Row {
    ArmGroup group;
    std::vector<Svg> panels;   ///< one a number of labels, in the group's order
    std::size_t left_out = 0;  ///< arms that a panel has no room for
  };
  std::vector<Row> rows;
  std::vector<const ArmKind*> kinds;  ///< those that are there
};

/// All arms of the study whatever their experiment. Rows of cuts have the class "cut-K".
Overview overview_of(const StudyRecord& study);

/// All arms of the study in groups, whatever their experiment.
std::vector<ArmGroup> all_groups(const StudyRecord& study);

}  // namespace firn::cli::report
