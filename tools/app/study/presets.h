// The studies that come with firn: one for each claim of docs/study.md.
#pragma once

#include <string>
#include <vector>

#include "tools/app/study/grid.h"

namespace firn::cli {

/// "labels", "depth", "early", "families", "adaptive", "regularisers", and "claims" for all of them.
std::vector<std::string> preset_names();
/// Models and sources that depend on the data are left open (`complete`). Throws Error(usage) with the
/// nearest name.
std::vector<Grid> preset(const std::string& name, const DataInfo& target);

}  // namespace firn::cli
