// Studies that were registered before they were run: what was promised, and where a run departs from it.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "tools/app/study/grid.h"

namespace firn::cli {

/// A grid file with an object "registered" beside its experiments:
/// {"registered": {"date": "2026-11-29", "question": ..., "margin": 0.1, "level": 0.05, "test_samples": 2000,
///                 "outcomes": [...], "tuned_on": [...]}, "experiments": [...]}
struct Registration {
  std::string path, sha256, date, question;
  double margin = 0, level = 0;  ///< of the errors; of a family
  Index test_samples = 2000;
  std::vector<std::string> outcomes;  ///< in words
  std::vector<std::string>
      tuned_on;  ///< sets that rules and settings were tried on: none of the experiments' targets
  std::vector<Grid> grids;
};

/// Throws Error(usage) for a file without a registration, an unknown or missing field, or a target that is
/// among those that rules were tried on; else as `read_grids`.
Registration read_registration(const std::string& path);
/// The same of a file's content; `path` is what errors name.
Registration parse_registration(std::span<const std::byte> bytes, const std::string& path);

/// Where what is run is not what was registered, each in a sentence: fields of the grids, arms and cells that
/// are missing, samples, the rules' margin and level.
std::vector<std::string> departures(const Registration& registered, const std::vector<Grid>& run,
                                    const Plan& whole, const Plan& done, Index test_samples);

}  // namespace firn::cli
