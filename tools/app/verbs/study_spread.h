// firn study --cells, --cell, --merge, --emit: a study over several processes, on one machine or on many.
#pragma once

#include <string>

#include "tools/app/cli/arguments.h"
#include "tools/app/cli/console.h"
#include "tools/app/study/grid.h"
#include "tools/app/study/store.h"

namespace firn::cli {

struct SpreadChoice {
  bool cells = false, merge = false;
  std::string cell, emit;

  /// Whether this process is not the one that writes the tables.
  bool is_one_of_many() const { return cells || !cell.empty() || !emit.empty(); }
};

void declare_spread(Arguments& arguments, SpreadChoice& spread);
/// Throws Error(usage) where options exclude each other. `alone`: one is given that is for one process.
void check_spread(const SpreadChoice& spread, bool alone);

/// Prints ids or a script, or does some cells. `run`: "runs/NAME"; `command`: as `Verb::command`. Throws
/// Error(usage) for an id that the plan has not, Interrupted.
void spread_cells(Console& console, const SpreadChoice& spread, const Plan& plan, const Materials& materials,
                  const std::string& run, const std::string& command);

/// Puts into the store what other processes have left in `run`, the study's folder. With --merge that must be
/// all: throws Error(failure) that names what is missing.
void gather_cells(Console& console, const SpreadChoice& spread, const Plan& plan, const std::string& run,
                  Store& store);

}  // namespace firn::cli
