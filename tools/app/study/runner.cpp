#include "tools/app/study/runner.h"

#include <fmt/core.h>

#include <map>
#include <mutex>
#include <set>

#include "tools/app/study/cell.h"
#include "tools/app/study/origins.h"
#include "tools/app/study/run_all.h"

namespace firn::cli {

namespace {

constexpr Index kPoolBytes = Index{1} << 30;  // of features that cells share

class Runner {
 public:
  Runner(const Plan& plan, const Materials& materials, Costs& costs, Store& store, std::string folder,
         const RunHooks& hooks)
      : plan_(plan),
        materials_(materials),
        costs_(costs),
        store_(store),
        folder_(std::move(folder)),
        hooks_(hooks) {}

  bool run() {
    const Todo todo = todo_of(plan_, store_);
    done_ = static_cast<Index>(plan_.cells.size() - todo.cells.size());
    for (const Arm& arm : plan_.arms) store_.add_arm(arm);
    recall();
    if (!measure(todo)) return false;
    run_all(todo.origins.size(), [&](std::size_t i) { return learn(plan_.origins[todo.origins[i]]); });
    if (hooks_.stop()) return false;
    // Controls of equal cost come behind what they are controls of.
    for (const bool controls : {false, true}) {
      run_all(todo.cells.size(), [&](std::size_t i) {
        const Cell& cell = plan_.cells[todo.cells[i]];
        if (plan_.arms[cell.arm].takes_cost() != controls) return true;
        return (hooks_.over && hooks_.over()) || train(cell);
      });
    }
    return !hooks_.stop();
  }

 private:
  void report(const std::string& what, Index more, const std::string& leader = {}) {
    const std::lock_guard lock(guard_);
    done_ += more;
    hooks_.progress({done_, static_cast<Index>(plan_.cells.size()), what, leader});
  }

  void count(std::size_t arm, double accuracy) {
    Mean& mean = means_[arm];
    mean.sum += accuracy;
    ++mean.cells;
  }

  /// What earlier runs came to.
  void recall() {
    Statement result(store_.database(),
                     "SELECT ifnull(validation_accuracy, accuracy) FROM results WHERE cell=?");
    for (const Cell& cell : plan_.cells) {
      result << cell.key;
      while (result.next()) count(cell.arm, result.number(0));
    }
  }

  /// Of the arms of one task.
  std::string leader(const Arm& task) {
    const std::lock_guard lock(guard_);
    const Mean* most = nullptr;
    const Arm* best = nullptr;
    int compared = 0;
    for (const auto& [number, mean] : means_) {
      const Arm& arm = plan_.arms[number];
      if (!same_task(arm, task)) continue;
      ++compared;
      if (most != nullptr && !(mean.value() > most->value())) continue;
      most = &mean;
      best = &arm;
    }
    if (compared < 2) return {};
    return fmt::format("{} {:.1f} % with {}", best->name(), 100 * most->value(), labels_name(task));
  }

  bool measure(const Todo& todo) {
    const OneThread alone;
    for (const std::size_t cell : todo.cells) {
      const Arm& arm = plan_.arms[plan_.cells[cell].arm];
      costs_.measure(arm);
      if (hooks_.stop()) return false;
    }
    std::map<std::string, ArmCost> known;
    for (std::size_t i = 0; i < plan_.arms.size(); ++i) {
      const Arm& arm = plan_.arms[i];
      if (!arm.is_static() || store_.has_cost(plan_.arm_keys[i])) continue;
      const auto [at, fresh] = known.try_emplace(program_name(arm));
      if (fresh) {
        at->second = costs_.measure(arm).cost_of_arm(materials_, arm);
        report(fmt::format("{}, {}: cost measured", network_name(arm.model), arm.name()), 0);
      }
      store_.add_cost(plan_.arm_keys[i], at->second);
      if (hooks_.stop()) return false;
    }
    return true;
  }

  bool learn(const Origin& origin) {
    if (hooks_.stop()) return false;
    const Arm& arm = plan_.arms[origin.arm];
    ModelPtr model = store_.has_origin(origin.key) ? load_origin(materials_, arm, origin, folder_) : nullptr;
    if (model == nullptr) {
      auto learned = make_origin(materials_, arm, origin, folder_, hooks_.stop);
      if (!learned) return false;
      store_.add_origin(origin, arm, learned->result);
      model = std::move(learned->model);
      report(learned_text(arm, origin, learned->result), 0);
    }
    const std::lock_guard lock(guard_);
    learned_[origin.key] = std::move(model);
    return true;
  }

  /// Of the training that the cell is a control of; 0: that has no result.
  double macs_of_controlled(const Arm& arm, std::uint64_t seed) {
    const std::lock_guard lock(guard_);
    Statement macs(store_.database(),
                   "SELECT macs_forward + macs_input + macs_weight FROM results WHERE cell=?");
    macs << cell_key(arm.controlled(), seed);
    double found = 0;
    while (macs.next()) found = macs.number(0);
    return found;
  }

  bool train(const Cell& cell) {
    if (hooks_.stop()) return false;
    const Arm& arm = plan_.arms[cell.arm];
    const double macs = arm.takes_cost() ? macs_of_controlled(arm, cell.seed) : 0;
    if (arm.takes_cost() && macs <= 0) return true;
    const Model* origin = cell.origin.empty() ? nullptr : learned_.at(cell.origin).get();
    const auto result =
        train_cell(materials_, costs_.find(arm), arm, cell.seed, origin, &pool_, true, hooks_.stop, macs);
    if (!result) return false;
    store_.add_cell(cell, arm, *result);
    {
      const std::lock_guard lock(guard_);
      count(cell.arm, result->validation_accuracy.value_or(result->accuracy));
    }
    report(trained_text(arm, cell.seed, *result), 1, leader(arm));
    return true;
  }

  const Plan& plan_;
  const Materials& materials_;
  Costs& costs_;
  Store& store_;
  std::string folder_;
  const RunHooks& hooks_;
  struct Mean {
    double sum = 0;
    int cells = 0;
    double value() const { return sum / cells; }
  };

  FeaturePool pool_{kPoolBytes};
  std::mutex guard_;
  Index done_ = 0;
  std::map<std::size_t, Mean> means_;  // accuracy by arm
  std::map<std::string, ModelPtr> learned_;
};

}  // namespace

Todo todo_of(const Plan& plan, const Store& store) {
  Todo todo;
  std::set<std::string> wanted;
  for (std::size_t i = 0; i < plan.cells.size(); ++i) {
    const Cell& cell = plan.cells[i];
    if (store.has_cell(cell.key)) continue;
    todo.cells.push_back(i);
    if (!cell.origin.empty()) wanted.insert(cell.origin);
  }
  for (std::size_t i = 0; i < plan.origins.size(); ++i) {
    if (wanted.contains(plan.origins[i].key)) todo.origins.push_back(i);
  }
  return todo;
}

bool run_plan(const Plan& plan, const Materials& materials, Costs& costs, Store& store,
              const std::string& folder, const RunHooks& hooks) {
  return Runner(plan, materials, costs, store, folder, hooks).run();
}

}  // namespace firn::cli
