// Some cells of a study, done by one of many processes.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "tools/app/study/cell_folder.h"
#include "tools/app/study/costs.h"
#include "tools/app/study/runner.h"

namespace firn::cli {

/// All cells that are not done: the first one of each source, then the second ones, so that few processes
/// wait for a source that another one learns; controls of equal cost behind what they are controls of.
std::vector<std::size_t> spread_order(const Plan& plan, const std::vector<std::size_t>& cells);

/// Does these cells of the plan, on all threads, and leaves them in `folder` with `run`'s origins. What is
/// there is not done again; what another process does is waited for, and done here where that one dies; what
/// a cell needs (its source, the training that it is a control of) is done first. True when all are there,
/// false when stopped. Results do not depend on who did what.
bool run_cells(const Plan& plan, const std::vector<std::size_t>& cells, const Materials& materials,
               Costs& costs, const CellFolder& folder, const std::string& run, const RunHooks& hooks);

}  // namespace firn::cli
