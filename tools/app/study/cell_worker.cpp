#include "tools/app/study/cell_worker.h"

#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <tuple>

#include "engine/base/error.h"
#include "tools/app/study/cell.h"
#include "tools/app/study/lease.h"
#include "tools/app/study/origins.h"
#include "tools/app/study/run_all.h"

namespace firn::cli {

namespace {

constexpr Index kWorkerPoolBytes = Index{1} << 29;  // of features that this process's cells share

class CellWorker {
 public:
  CellWorker(const Plan& plan, const Materials& materials, Costs& costs, const CellFolder& folder,
             std::string run, const RunHooks& hooks)
      : plan_(plan),
        materials_(materials),
        costs_(costs),
        folder_(folder),
        run_(std::move(run)),
        hooks_(hooks) {
    for (std::size_t i = 0; i < plan.cells.size(); ++i) places_[plan.cells[i].key] = i;
    for (std::size_t i = 0; i < plan.origins.size(); ++i) origins_[plan.origins[i].key] = i;
  }

  bool run(std::vector<std::size_t> cells) {
    folder_.make();
    // As the plan has them: what shares features stands together.
    std::sort(cells.begin(), cells.end());
    measure(cells);
    const auto total = static_cast<Index>(cells.size());
    Index done = 0;
    run_all(cells.size(), [&](std::size_t i) {
      std::string what = finish(plan_.cells[cells[i]]);
      if (what.empty()) return false;
      const std::lock_guard lock(guard_);
      hooks_.progress({++done, total, std::move(what), {}});
      return true;
    });
    return done == total;
  }

 private:
  /// Steps are timed alone on one thread, of cells that are to be done.
  void measure(const std::vector<std::size_t>& cells) {
    const OneThread alone;
    for (const std::size_t i : cells) {
      const Arm& arm = plan_.arms[plan_.cells[i].arm];
      if (folder_.cell(plan_.cells[i].key)) continue;
      costs_.measure(arm);
      if (arm.takes_cost()) costs_.measure(arm.controlled());
    }
  }

  /// Done here or by another one. What to say of it; empty: stopped.
  std::string finish(const Cell& cell) {
    const Arm& arm = plan_.arms[cell.arm];
    const auto there = [&] { return folder_.cell(cell.key); };
    if (const auto record = there()) return trained_text(arm, cell.seed, record->result) + ", there already";
    // What it needs comes first, and without its lease: nobody waits for one that waits.
    double macs = 0;
    if (arm.takes_cost()) {
      const Cell& other = controlled(cell);
      if (finish(other).empty()) return {};
      const auto record = folder_.cell(other.key);
      if (!record) return {};
      macs = record->result.macs_forward + record->result.macs_input + record->result.macs_weight;
    }
    const ModelPtr origin = cell.origin.empty() ? nullptr : learn(plan_.origins[origins_.at(cell.origin)]);
    if (!cell.origin.empty() && origin == nullptr) return {};
    const auto lease =
        Lease::take(folder_.cell_lease(cell.key), [&] { return hooks_.stop() || there().has_value(); });
    if (const auto record = there())
      return trained_text(arm, cell.seed, record->result) + ", by another process";
    if (!lease) return {};
    const auto result = train_cell(materials_, costs_.find(arm), arm, cell.seed, origin.get(), &pool_, true,
                                   hooks_.stop, macs);
    if (!result) return {};
    folder_.put_cell(cell.key, *result);
    return trained_text(arm, cell.seed, *result);
  }

  const Cell& controlled(const Cell& cell) const {
    const Arm other = plan_.arms[cell.arm].controlled();
    const auto at = places_.find(cell_key(other, cell.seed));
    if (at == places_.end()) {
      throw Error(Fault::usage, "study",
                  fmt::format("{} takes the cost of {}, which is not in the grid",
                              plan_.arms[cell.arm].name(), other.name()));
    }
    return plan_.cells[at->second];
  }

  /// The weights of a source; null when stopped.
  ModelPtr learn(const Origin& origin) {
    const Arm& arm = plan_.arms[origin.arm];
    const auto load = [&]() -> ModelPtr {
      return folder_.origin(origin.key) ? load_origin(materials_, arm, origin, run_) : nullptr;
    };
    if (ModelPtr model = load()) return model;
    ModelPtr model;
    const auto lease = Lease::take(folder_.origin_lease(origin.key), [&] {
      if (hooks_.stop()) return true;
      model = load();
      return model != nullptr;
    });
    if (model == nullptr) model = load();
    if (model != nullptr || !lease) return model;
    auto learned = make_origin(materials_, arm, origin, run_, hooks_.stop);
    if (!learned) return nullptr;
    folder_.put_origin(origin.key, learned->result);
    return std::move(learned->model);
  }

  const Plan& plan_;
  const Materials& materials_;
  Costs& costs_;
  const CellFolder& folder_;
  std::string run_;
  const RunHooks& hooks_;
  FeaturePool pool_{kWorkerPoolBytes};
  std::mutex guard_;
  std::map<std::string, std::size_t> places_, origins_;
};

}  // namespace

std::vector<std::size_t> spread_order(const Plan& plan, const std::vector<std::size_t>& cells) {
  std::map<std::string, std::size_t> counts;
  std::vector<std::tuple<bool, std::size_t, std::size_t>> order;
  for (const std::size_t i : cells)
    order.emplace_back(plan.arms[plan.cells[i].arm].takes_cost(), counts[plan.cells[i].origin]++, i);
  std::sort(order.begin(), order.end());
  std::vector<std::size_t> sorted;
  for (const auto& one : order) sorted.push_back(std::get<2>(one));
  return sorted;
}

bool run_cells(const Plan& plan, const std::vector<std::size_t>& cells, const Materials& materials,
               Costs& costs, const CellFolder& folder, const std::string& run, const RunHooks& hooks) {
  return CellWorker(plan, materials, costs, folder, run, hooks).run(cells);
}

}  // namespace firn::cli
