// Does what a plan says and is not done yet.
#pragma once

#include <functional>
#include <string>

#include "tools/app/study/costs.h"
#include "tools/app/study/grid.h"
#include "tools/app/study/store.h"

namespace firn::cli {

struct RunProgress {
  Index done = 0, total = 0;  ///< cells
  std::string what;           ///< the cell that is done, or what is being measured or learned
  std::string best;  ///< "first 6 frozen 93.3 % with 15 labels a class": of the arms that learn the same as
                     ///< the last cell, that with the best mean so far; empty: fewer than two have a cell
};

struct RunHooks {
  std::function<void(const RunProgress&)> progress;  ///< never called by two threads at once
  std::function<bool()> stop;                        ///< asked often, by any thread
  std::function<bool()> over = {};                   ///< no further cell is begun; may be empty
};

/// What there is to do.
struct Todo {
  std::vector<std::size_t> cells;    ///< of the plan, without a result
  std::vector<std::size_t> origins;  ///< that these start from
};
Todo todo_of(const Plan& plan, const Store& store);

/// Costs first, alone on one thread; then origins and cells on all threads, one a thread. Each is stored when
/// it is done; the results do not depend on the number of threads nor on earlier interruptions. The weights
/// of origins are kept in `folder`/origins; missing or damaged ones are made again. False when stopped.
bool run_plan(const Plan& plan, const Materials& materials, Costs& costs, Store& store,
              const std::string& folder, const RunHooks& hooks);

}  // namespace firn::cli
