// The numbers of a step as a page: the graph, forward and backward side by side, each node with its formula,
// its numbers and the lines that compute it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tools/app/explain/nudge.h"
#include "tools/app/explain/step_values.h"
#include "tools/app/report/arena_chart.h"
#include "tools/app/report/page.h"

namespace firn::cli {

struct StepPage {
  std::string title, lead;
  const StepValues& seen;
  const Program& program;                  ///< the one that `seen` was read from
  report::PageTable cost;                  ///< of a usual batch, beside the same with nothing frozen
  std::vector<report::ArenaChart> arenas;  ///< of the same
  std::optional<Nudge> nudge = {};         ///< a weight that was moved
  Index show = -1;  ///< tensors of at most so many numbers are whole; -1: as many as fit
};

/// A file of its own, below 2 MB.
std::string step_page(const StepPage& page);

}  // namespace firn::cli
