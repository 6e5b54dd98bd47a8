// The page of a run's folder, in its place.
#pragma once

#include <string>
#include <vector>

namespace firn::cli::report {

/// Writes FOLDER/report.html (or `output`, where it is not empty) for the training run or the study that lies
/// there, of a study also charts/*.svg beside it, each file as a whole; gives their paths, the page first.
/// Throws Error(usage) where the folder holds neither, and what reading throws.
std::vector<std::string> write_report(const std::string& folder, const std::string& output = {});

/// One page of several folders of one kind. Throws Error(usage) for both kinds together.
std::vector<std::string> write_comparison(const std::vector<std::string>& folders, const std::string& output);

/// Writes FOLDER/events.out.tfevents.firn for TensorBoard; its path. Throws Error(usage) for a study.
std::string write_events(const std::string& folder);

}  // namespace firn::cli::report
