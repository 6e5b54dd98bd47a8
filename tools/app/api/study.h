#pragma once

#include <string>

#include "engine/base/real.h"

namespace firn {

/// What a study compares (docs/study.md); what is empty or 0 is as `firn study` has it.
struct StudyOptions {
  std::string data = "digits";  ///< as `open_data` takes it
  std::string model = {};       ///< a model's name, or the text of a network
  std::string weights = {};     ///< trained before; else the study learns them on a source
  std::string freeze = {};      ///< "0,1,2": cuts, in blocks
  std::string labels = {};      ///< "5,20,all": labels a class
  Index seeds = 0;
  std::string budget = {};  ///< "10m": what says the most in that time
  std::string run = "study";
};

/// Runs a study, or goes on with it, and writes its page, tables and numbers: runs/RUN/report.html,
/// results.csv, results.sqlite; the folder. Prints what `firn study -q` prints. Throws what the program says:
/// Error(usage) for options that do not fit.
std::string study(const StudyOptions& options);

}  // namespace firn
