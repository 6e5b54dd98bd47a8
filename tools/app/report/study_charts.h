// The drawings of a study, each with the table of its numbers.
#pragma once

#include <string>
#include <vector>

#include "tools/app/report/page.h"
#include "tools/app/report/study_record.h"

namespace firn::cli::report {

/// Arms of an experiment that can be held against each other: one model, target, part and source, with the
/// arms that begin without a source.
struct ArmGroup {
  std::string model, source, target, part;
  std::vector<const StudyRecord::Arm*> arms;
  Index blocks = 0;
  std::vector<Index> labels;  ///< ascending, "all" (0) last
  /// "cnn, drawn to digits"
  std::string title() const;
};

/// In the order of the arms. A group without a source holds arms that have nothing to be held against else.
std::vector<ArmGroup> groups_of(const StudyRecord& study, const StudyRecord::Experiment& experiment);

/// A drawing that stands on the page and in a file of its own.
struct Figure {
  std::string stem;  ///< of the file's name
  Svg drawing;
  std::string caption;
  PageTable numbers;
};

/// All arms of the group: scores with intervals, differences, times.
PageTable summary_table(const StudyRecord& study, const ArmGroup& group);

/// Those for which the group has something to show: accuracy by cut, differences to full tuning, accuracy
/// against time, learning curves.
std::vector<Figure> figures_of(const StudyRecord& study, const ArmGroup& group);

/// Predicted against measured milliseconds of a step, one row a model and cut whatever the number of labels,
/// with its source and data where the model has several; none where nothing was measured.
std::vector<Figure> cost_figures(const StudyRecord& study);

/// With a capital letter first.
std::string capital(std::string text);

/// Of a share: "+2.1", "-0.4".
std::string signed_points(double share);

/// "84.1 % (83.5 % to 84.7 %)"; without an interval where there is one seed.
std::string interval_text(const StudyRecord::Summary& summary);

}  // namespace firn::cli::report
