// Frozen features that the cells of a study share: the results are the same bits, and each sample's prefix is
// computed once.
#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "layers/weights.h"
#include "tests/folder.h"
#include "tools/app/study/cell.h"
#include "tools/app/study/forecast.h"
#include "tools/app/study/grid.h"

namespace {

using namespace firn;
using namespace firn::cli;

/// All of a result that is a function of the arm and the seed.
bool same(const CellResult& a, const CellResult& b) {
  const auto numbers = [](const CellResult& r) {
    return std::tuple(r.accuracy, r.macro_f1, r.ece, r.loss, r.validation_accuracy, r.validation_samples,
                      r.train_loss, r.rate, r.steps, r.train_samples, r.test_samples, r.trained_share);
  };
  const auto costs = [](const CellResult& r) {
    return std::tuple(r.macs_forward, r.macs_input, r.macs_weight, r.bytes_predicted, r.state_bytes);
  };
  const auto same_mistake = [](const Mistake& x, const Mistake& y) {
    return std::tie(x.sample, x.truth, x.predicted, x.confidence, x.pixels) ==
           std::tie(y.sample, y.truth, y.predicted, y.confidence, y.pixels);
  };
  const auto same_point = [](const CurvePoint& x, const CurvePoint& y) {
    return std::tie(x.step, x.loss, x.accuracy) == std::tie(y.step, y.loss, y.accuracy);
  };
  const auto same_rate = [](const TriedRate& x, const TriedRate& y) {
    return std::tie(x.rate, x.loss, x.accuracy) == std::tie(y.rate, y.loss, y.accuracy);
  };
  const auto equal = [](const auto& x, const auto& y, const auto& by) {
    return std::equal(x.begin(), x.end(), y.begin(), y.end(), by);
  };
  return numbers(a) == numbers(b) && costs(a) == costs(b) && a.confusion == b.confusion &&
         equal(a.mistakes, b.mistakes, same_mistake) && equal(a.curve, b.curve, same_point) &&
         equal(a.tried, b.tried, same_rate);
}

/// A study of the digits from weights in a file.
struct Study {
  test::Folder folder;
  Materials materials;
  cli::Plan plan;
  Costs costs;

  explicit Study(const GridChanges& asked) : materials(data(), 100, weights()), costs(materials) {
    GridChanges changes = asked;
    changes.weights = weights();
    Grid grid;
    grid.name = "cuts";
    grid.scratch = false;
    change(grid, changes);
    plan = expand({grid}, materials);
    for (const Arm& arm : plan.arms) costs.measure(arm);
  }
  static DataChoice data() {
    DataChoice choice;
    choice.spec = "digits";
    return choice;
  }
  std::string weights() const {
    const std::string path = folder / "cnn.safetensors";
    const ModelPtr model = find_model("cnn").make({.sample = {28, 28, 1}}, 7);
    model->initialise(11);
    save_weights(*model, path, {{"model", "cnn"}});
    return path;
  }
  std::vector<CellResult> train(FeaturePool* pool) {
    std::vector<CellResult> results;
    for (const Cell& cell : plan.cells) {
      const Arm& arm = plan.arms[cell.arm];
      const auto one =
          train_cell(materials, costs.find(arm), arm, cell.seed, nullptr, pool, true, [] { return false; });
      REQUIRE(one);
      results.push_back(*one);
    }
    return results;
  }
  /// Distinct samples that the cells of a cut learn from.
  Index labelled(const std::string& freeze) const {
    std::set<Index> all;
    for (const Cell& cell : plan.cells) {
      const Arm& arm = plan.arms[cell.arm];
      if (arm.freeze != freeze) continue;
      const DatasetPtr few = labelled_of(materials, arm, cell.seed);
      for (Index i = 0; i < few->size(); ++i) all.insert(few->origin(i).index);
    }
    return static_cast<Index>(all.size());
  }
  Index judged() const {
    const DataParts& parts = materials.target(plan.arms.front()).parts;
    return parts.validation->size() + parts.test->size();
  }
};

GridChanges asked(std::vector<std::string> freeze) {
  GridChanges changes;
  changes.grid.models = {"cnn"};
  changes.grid.freeze = std::move(freeze);
  changes.grid.labels = {2, 6};
  changes.grid.seeds = 2;
  changes.grid.budget.steps = 20;
  changes.grid.budget.batch = 8;
  return changes;
}

void check_same(Study& study, FeaturePool& pool) {
  const std::vector<CellResult> shared = study.train(&pool), alone = study.train(nullptr);
  for (std::size_t i = 0; i < alone.size(); ++i) {
    CAPTURE(i);
    CHECK(same(shared[i], alone[i]));
    CHECK(shared[i].seconds > 0);
  }
}

TEST_CASE("the same results with and without shared features, each sample's prefix computed once") {
  Study study(asked({"1", "3"}));
  FeaturePool pool(Index{1} << 28);
  check_same(study, pool);
  CHECK(pool.keys() == 2);
  CHECK(pool.computed() == study.labelled("1") + study.labelled("3") + 2 * study.judged());
  // What an earlier cell computed is not computed again.
  const Index before = pool.computed();
  study.train(&pool);
  CHECK(pool.computed() == before);
}

TEST_CASE("the forecast counts shared features once, and as many samples as are computed") {
  Study study(asked({"0", "1", "3"}));
  Machine machine(false);
  const WorkForecast work = PlanForecast(study.materials, machine).of(study.plan);
  std::map<std::size_t, std::set<Index>> samples;  // by features
  std::map<std::size_t, std::string> cuts;
  for (std::size_t i = 0; i < study.plan.cells.size(); ++i) {
    const Arm& arm = study.plan.arms[study.plan.cells[i].arm];
    CHECK(work.needs[i].has_value() == (arm.freeze != "0"));
    if (!work.needs[i]) continue;
    const SharedNeed& need = *work.needs[i];
    CHECK(need.seconds > 0);
    CHECK(cuts.try_emplace(need.features, arm.freeze).first->second == arm.freeze);
    for (const std::size_t set : need.sets)
      samples[need.features].insert(work.sets[set].begin(), work.sets[set].end());
  }
  REQUIRE(samples.size() == 2);
  for (const auto& [features, cut] : cuts)
    CHECK(static_cast<Index>(samples[features].size()) == study.labelled(cut) + study.judged());
}

TEST_CASE("rates that are tried, and labels that are more than the steps reach, share them too") {
  GridChanges changes = asked({"3"});
  changes.grid.labels = {6, 0};
  changes.grid.seeds = 2;
  changes.grid.budget.rates = {1e-3, 2e-3, 4e-3};
  Study study(changes);
  FeaturePool pool(Index{1} << 28);
  check_same(study, pool);
  CHECK(pool.keys() == 1);
  CHECK(pool.computed() <= study.labelled("3") + study.judged());
}

TEST_CASE("arms whose frozen part has trained, or that freeze nothing, leave the pool alone") {
  GridChanges changes = asked({"3"});
  changes.grid.freeze_at = {0.5};
  changes.grid.seeds = 1;
  changes.grid.policies = {"gradual"};
  Study study(changes);
  FeaturePool pool(Index{1} << 28);
  check_same(study, pool);
  CHECK(pool.computed() == 0);
}

TEST_CASE("a pool that is too small changes nothing") {
  Study study(asked({"3"}));
  FeaturePool pool(200'000);
  check_same(study, pool);
  CHECK(pool.bytes() <= 200'000);
}

}  // namespace
