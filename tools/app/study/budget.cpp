#include "tools/app/study/budget.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <tuple>

#include "engine/base/error.h"
#include "tools/app/cli/duration.h"

namespace firn::cli {

namespace {

constexpr Index kFirstSeeds = 3;

/// How soon an arm's cells are wanted.
enum class Level { first, second, third, late };

/// Positions of arms by task; tasks in the order of the plan.
std::vector<std::vector<std::size_t>> tasks_of(const Plan& plan) {
  std::vector<std::vector<std::size_t>> tasks;
  for (std::size_t arm = 0; arm < plan.arms.size(); ++arm) {
    const auto at = std::find_if(tasks.begin(), tasks.end(), [&](const std::vector<std::size_t>& task) {
      return same_task(plan.arms[task.front()], plan.arms[arm]);
    });
    if (at == tasks.end()) {
      tasks.push_back({arm});
    } else {
      at->push_back(arm);
    }
  }
  return tasks;
}

bool usual(const Arm& arm) {
  return arm.control() == Control::none && arm.bn == "frozen" && arm.dropout == "off" && arm.freeze_at <= 0;
}

Level level_of(const Plan& plan, const std::vector<std::size_t>& task, const Arm& arm) {
  if (!usual(arm) || (!arm.transfers() && !arm.full())) return Level::late;
  if (arm.full()) return arm.transfers() ? Level::first : Level::second;
  Index deepest = 0;  // of the same source
  for (const std::size_t other : task) {
    const Arm& o = plan.arms[other];
    if (o.source == arm.source && usual(o)) deepest = std::max(deepest, o.frozen_blocks());
  }
  const Index cut = arm.frozen_blocks();
  return cut > 0 && cut == deepest             ? Level::first
         : cut > 0 && cut == (deepest + 1) / 2 ? Level::second
                                               : Level::third;
}

/// Cells that are taken together or not at all: one arm's, some of its seeds.
struct Bundle {
  int stage = 0;
  std::size_t task = 0;
  std::vector<std::size_t> cells;
};

/// All bundles in the order in which they are wanted.
std::vector<Bundle> bundles_of(const Plan& plan, Index first_seeds, Index told_seeds) {
  std::map<std::size_t, std::vector<std::size_t>> cells_of;  // by arm, in the order of seeds
  for (std::size_t cell = 0; cell < plan.cells.size(); ++cell) cells_of[plan.cells[cell].arm].push_back(cell);
  const auto tasks = tasks_of(plan);
  std::vector<Bundle> all;
  for (std::size_t task = 0; task < tasks.size(); ++task) {
    std::vector<std::size_t> arms = tasks[task];
    std::stable_partition(arms.begin(), arms.end(), [&](std::size_t arm) {
      return level_of(plan, tasks[task], plan.arms[arm]) == Level::first;
    });
    const auto part = [&](std::size_t arm, int stage, Index from, Index to) {
      const std::vector<std::size_t>& cells = cells_of[arm];
      const auto n = static_cast<Index>(cells.size());
      if (from >= n) return;
      // The arms that a task begins with say something together alone.
      const bool joins = stage == 0 && !all.empty() && all.back().stage == 0 && all.back().task == task;
      if (!joins) all.push_back({stage, task, {}});
      std::vector<std::size_t>& own = all.back().cells;
      own.insert(own.end(), cells.begin() + from, cells.begin() + std::min(to, n));
    };
    for (const std::size_t arm : arms) {
      const auto level = static_cast<int>(level_of(plan, tasks[task], plan.arms[arm]));
      const bool late = level == static_cast<int>(Level::late);
      part(arm, late ? 4 : level, 0, first_seeds);
    }
    for (const std::size_t arm : arms) {
      const bool late = level_of(plan, tasks[task], plan.arms[arm]) == Level::late;
      part(arm, late ? 5 : 3, first_seeds, std::max(first_seeds, told_seeds));
      part(arm, 6, std::max(first_seeds, told_seeds), static_cast<Index>(cells_of[arm].size()));
    }
  }
  std::stable_sort(all.begin(), all.end(), [](const Bundle& a, const Bundle& b) {
    return std::tie(a.stage, a.task) < std::tie(b.stage, b.task);
  });
  return all;
}

/// Adds bundles while there is time.
class Basket {
 public:
  Basket(const Plan& plan, const WorkForecast& work, double seconds, int threads)
      : plan_(plan), work_(work), threads_(threads), shared_(work), left_(seconds * threads) {
    for (std::size_t i = 0; i < plan.origins.size(); ++i) origins_[plan.origins[i].key] = i;
  }

  /// In processor seconds; while one thread works alone the others do nothing.
  double price(const Bundle& bundle) const {
    double seconds = 0;
    std::set<std::string> wanted;
    SharedWork shared = shared_.of(bundle.cells);
    for (const std::size_t cell : bundle.cells) {
      seconds += work_.cells[cell] + shared.add(cell) + threads_ * (shared.time(cell) + work_.after_cell);
      const std::string& origin = plan_.cells[cell].origin;
      if (!origin.empty() && !learned_.contains(origin) && wanted.insert(origin).second)
        seconds += work_.origins[origins_.at(origin)];
    }
    return seconds;
  }
  bool add(const Bundle& bundle) {
    const double seconds = price(bundle);
    if (seconds > left_) return false;
    left_ -= seconds;
    for (const std::size_t cell : bundle.cells) {
      cells_.push_back(cell);
      shared_.add(cell);
      shared_.time(cell);
      learned_.insert(plan_.cells[cell].origin);
    }
    return true;
  }
  const std::vector<std::size_t>& cells() const { return cells_; }

 private:
  const Plan& plan_;
  const WorkForecast& work_;
  double threads_;
  SharedWork shared_;
  double left_;
  std::map<std::string, std::size_t> origins_;
  std::set<std::string> learned_;
  std::vector<std::size_t> cells_;
};

/// The plan with these cells alone, in their order.
BudgetedPlan restricted(const Plan& plan, const WorkForecast& work, const std::vector<std::size_t>& cells) {
  BudgetedPlan result;
  std::vector<std::size_t> origins_taken;
  std::map<std::size_t, std::size_t> cell_at, arm_at;
  std::set<std::string> origins;
  for (const std::size_t cell : cells) {
    Cell one = plan.cells[cell];
    const auto [arm, fresh] = arm_at.try_emplace(one.arm, result.plan.arms.size());
    if (fresh) {
      result.plan.arms.push_back(plan.arms[one.arm]);
      result.plan.arm_keys.push_back(plan.arm_keys[one.arm]);
    }
    one.arm = arm->second;
    origins.insert(one.origin);
    cell_at[cell] = result.plan.cells.size();
    result.plan.cells.push_back(std::move(one));
  }
  for (std::size_t i = 0; i < plan.origins.size(); ++i) {
    if (!origins.contains(plan.origins[i].key)) continue;
    Origin origin = plan.origins[i];
    // An arm that starts from it, of those that are left.
    for (const Cell& cell : result.plan.cells) {
      if (cell.origin != origin.key) continue;
      origin.arm = cell.arm;
      break;
    }
    result.plan.origins.push_back(std::move(origin));
    origins_taken.push_back(i);
  }
  result.work = work.of(cells, origins_taken);
  for (const Plan::Experiment& experiment : plan.experiments) {
    Plan::Experiment own = experiment;
    own.cells.clear();
    for (const std::size_t cell : experiment.cells) {
      if (const auto at = cell_at.find(cell); at != cell_at.end()) own.cells.push_back(at->second);
    }
    if (!own.cells.empty()) result.plan.experiments.push_back(std::move(own));
  }
  return result;
}

std::string text_of(const Plan& plan, const Plan& part) {
  std::map<std::size_t, std::size_t> seeds;
  for (const Cell& cell : part.cells) ++seeds[cell.arm];
  const auto [least, most] = std::minmax_element(
      seeds.begin(), seeds.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
  const std::string each = least->second == most->second
                               ? fmt::format("{}", most->second)
                               : fmt::format("{} to {}", least->second, most->second);
  return fmt::format("{} of {} cells: {} of {} arms with {} seed{} each, {} of {} tasks", part.cells.size(),
                     plan.cells.size(), part.arms.size(), plan.arms.size(), each, each == "1" ? "" : "s",
                     tasks_of(part).size(), tasks_of(plan).size());
}

}  // namespace

BudgetedPlan within_budget(const Plan& plan, const WorkForecast& work, const TimeBudget& time, int threads,
                           Index told_seeds) {
  double least = 0;
  const double seconds = time.left();
  for (const Index first_seeds : {kFirstSeeds, Index{2}, Index{1}}) {
    const std::vector<Bundle> bundles = bundles_of(plan, first_seeds, told_seeds);
    // Idle threads at the end are not known before: less is taken until the clock agrees.
    for (double share = 1; share > 0.3; share *= 0.93) {
      Basket basket(plan, work, share * (seconds - work.before - work.after), threads);
      std::set<std::size_t> closed;  // tasks whose first arms did not fit
      for (const Bundle& bundle : bundles) {
        if (closed.contains(bundle.task)) continue;
        if (!basket.add(bundle) && bundle.stage == 0) closed.insert(bundle.task);
      }
      if (basket.cells().empty()) break;
      BudgetedPlan result = restricted(plan, work, basket.cells());
      if (result.work.wall(threads) > seconds) continue;
      result.text = text_of(plan, result.plan);
      return result;
    }
    if (first_seeds == 1) {
      least = work.before + work.after +
              Basket(plan, work, 0, threads).price(bundles.front()) / static_cast<double>(threads);
    }
  }
  throw Error(
      Fault::usage, "study",
      fmt::format(
          "a budget of {} is too little: {}the first two arms alone take about {}",
          seconds_text(time.seconds),
          time.spent > 0 ? fmt::format("reading and pricing took {}, and ", seconds_text(time.spent)) : "",
          seconds_text(least)));
}

}  // namespace firn::cli
