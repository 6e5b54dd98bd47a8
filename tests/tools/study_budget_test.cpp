// What a study does in a given time, on plans and prices that are made up.
#include "tools/app/study/budget.h"

#include <doctest/doctest.h>

#include <map>
#include <numeric>
#include <set>
#include <string>
#include <vector>

#include "engine/base/error.h"

namespace {

using namespace firn;
using namespace firn::cli;

/// A plan of a four-block model: scratch, cuts 0 to 3 from one source and random frozen ones, for each number
/// of labels, five seeds; each cell a second, each source `origin` of them.
struct MadeUp {
  Plan plan;
  WorkForecast work;

  explicit MadeUp(const std::vector<Index>& labels, double origin = 0, std::uint64_t seeds = 5) {
    plan.experiments.push_back({"cuts", "", "", 0, {}});
    for (const Index count : labels) {
      add(kRandomSource, "0", count, seeds);
      for (const char* cut : {"0", "1", "2", "3"}) add(kDrawnSource, cut, count, seeds);
      for (const char* cut : {"1", "2", "3"}) add(kRandomSource, cut, count, seeds);
    }
    work.cells.assign(plan.cells.size(), 1);
    work.origins.assign(plan.origins.size(), origin);
  }
  void add(std::string_view source, const char* freeze, Index labels, std::uint64_t seeds) {
    Arm arm;
    arm.model = "cnn";
    arm.source = source;
    arm.target = "digits";
    arm.labels = labels;
    arm.freeze = freeze;
    arm.blocks = 4;
    for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
      const Cell cell{cell_key(arm, seed), plan.arms.size(), seed, origin_key(arm, seed)};
      if (!cell.origin.empty() && plan.origins.size() < seed)
        plan.origins.push_back({cell.origin, plan.arms.size(), seed});
      plan.experiments[0].cells.push_back(plan.cells.size());
      plan.cells.push_back(cell);
    }
    plan.arms.push_back(arm);
    plan.arm_keys.push_back(arm.key());
  }
};

/// Seeds by name of the arm, of one number of labels.
std::map<std::string, int> seeds_of(const Plan& plan, Index labels) {
  std::map<std::string, int> seeds;
  for (const Cell& cell : plan.cells) {
    if (plan.arms[cell.arm].labels == labels) ++seeds[plan.arms[cell.arm].name()];
  }
  return seeds;
}

TEST_CASE("what says most comes first: full tuning and the deepest cut, three seeds each") {
  const MadeUp study({5});
  const BudgetedPlan six = within_budget(study.plan, study.work, 6, 1);
  CHECK(seeds_of(six.plan, 5) == std::map<std::string, int>{{"first 3 frozen", 3}, {"full tuning", 3}});
  CHECK(six.text == "6 of 40 cells: 2 of 8 arms with 3 seeds each, 1 of 1 tasks");
  const BudgetedPlan twelve = within_budget(study.plan, study.work, 12, 1);
  CHECK(seeds_of(twelve.plan, 5) ==
        std::map<std::string, int>{
            {"first 3 frozen", 3}, {"full tuning", 3}, {"scratch", 3}, {"first 2 frozen", 3}});
  CHECK(twelve.plan.arms[twelve.plan.cells[0].arm].name() == "full tuning");
  const BudgetedPlan more = within_budget(study.plan, study.work, 25, 1);
  CHECK(seeds_of(more.plan, 5).at("full tuning") == 5);
  CHECK(seeds_of(more.plan, 5).at("first 1 frozen") == 5);
  CHECK_FALSE(seeds_of(more.plan, 5).contains("random, first 1 frozen"));
  const BudgetedPlan all = within_budget(study.plan, study.work, 1000, 1);
  CHECK(all.plan.cells.size() == 40);
}

TEST_CASE("every task gets its first arms before one gets more") {
  const MadeUp study({5, 20, 0});
  const BudgetedPlan some = within_budget(study.plan, study.work, 18, 1);
  for (const Index labels : {5, 20, 0}) CHECK(seeds_of(some.plan, labels).size() == 2);
  const BudgetedPlan two = within_budget(study.plan, study.work, 13, 1);
  CHECK(seeds_of(two.plan, 5).at("full tuning") == 3);
  CHECK(seeds_of(two.plan, 20).at("full tuning") == 3);
  CHECK(seeds_of(two.plan, 0).empty());
}

TEST_CASE("sources are paid for, once, and only those that are needed are learned") {
  const MadeUp study({5, 20}, 4);
  const BudgetedPlan plan = within_budget(study.plan, study.work, 12 + 12, 1);
  CHECK(plan.plan.origins.size() == 3);
  CHECK(plan.plan.cells.size() == 12);
  CHECK(plan.work.wall(1) <= 24);
  for (const Origin& origin : plan.plan.origins) {
    REQUIRE(origin.arm < plan.plan.arms.size());
    CHECK(origin_key(plan.plan.arms[origin.arm], origin.seed) == origin.key);
  }
}

TEST_CASE("features that cells share are paid for once, by the cell that wants them first") {
  WorkForecast work;
  work.cells = {1, 1, 1, 1, 1};
  work.sets = {{0, 1, 2}, {2, 3}, {7, 8, 9, 10}};
  work.needs = {SharedNeed{0, 10, {0, 2}}, SharedNeed{0, 10, {1, 2}}, SharedNeed{0, 10, {0, 1}}, std::nullopt,
                SharedNeed{1, 2, {1}}};
  CHECK(work.cells_in_order() == std::vector<double>{71, 11, 1, 1, 5});
  CHECK(work.wall(1) == doctest::Approx(89));
  const std::vector<std::size_t> some = {1, 2};
  CHECK(work.of(some, {}).cells_in_order() == std::vector<double>{61, 21});

  // Three seeds of a cut share what its first one computes: two more seeds cost little.
  MadeUp study({5});
  study.work.sets = {{0, 1, 2, 3}};
  study.work.needs.resize(study.work.cells.size());
  for (std::size_t cell = 0; cell < study.work.cells.size(); ++cell) {
    if (study.plan.arms[study.plan.cells[cell].arm].name() == "first 3 frozen")
      study.work.needs[cell] = SharedNeed{0, 1, {0}};
  }
  const BudgetedPlan ten = within_budget(study.plan, study.work, 10, 1);
  CHECK(seeds_of(ten.plan, 5) == std::map<std::string, int>{{"first 3 frozen", 3}, {"full tuning", 3}});
  CHECK(ten.work.wall(1) == doctest::Approx(10));
  CHECK(seeds_of(within_budget(study.plan, study.work, 9, 1).plan, 5).at("full tuning") == 2);
}

TEST_CASE("what is done alone: a timing once, the end for each cell; other threads do nothing meanwhile") {
  WorkForecast work;
  work.cells = {1, 1, 1};
  work.timings = {0.5, 0.25};
  work.timed = {{0}, {0, 1}, {0}};
  work.before = 2;
  work.after = 1;
  work.after_cell = 0.125;
  CHECK(work.end() == doctest::Approx(1.375));
  CHECK(work.alone() == doctest::Approx(4.125));
  CHECK(work.wall(1) == doctest::Approx(7.125));
  const std::vector<std::size_t> last = {2};
  CHECK(work.of(last, {}).alone() == doctest::Approx(3.625));

  MadeUp study({5});
  study.work.timings = {1, 3};
  for (const Cell& cell : study.plan.cells) study.work.timed.push_back({cell.arm == 1 ? 0u : 1u});
  study.work.after = 0.5;
  for (const double seconds : {14.0, 30.0}) {
    const BudgetedPlan part = within_budget(study.plan, study.work, seconds, 2);
    CHECK(part.work.wall(2) <= seconds);
    CHECK(part.work.timed.size() == part.plan.cells.size());
    CHECK(part.work.alone() == doctest::Approx(4.5));
  }
}

TEST_CASE("places, keys and experiments of what is left hold together") {
  const MadeUp study({5, 20});
  const BudgetedPlan part = within_budget(study.plan, study.work, 20, 1);
  std::set<std::string> keys;
  for (const Cell& cell : part.plan.cells) {
    REQUIRE(cell.arm < part.plan.arms.size());
    CHECK(cell.key == cell_key(part.plan.arms[cell.arm], cell.seed));
    CHECK(part.plan.arm_keys[cell.arm] == part.plan.arms[cell.arm].key());
    CHECK(keys.insert(cell.key).second);
  }
  CHECK(part.plan.experiments.at(0).cells.size() == part.plan.cells.size());
  CHECK(part.work.cells.size() == part.plan.cells.size());
}

TEST_CASE("little time has fewer seeds, and less than a cell is refused with what would do") {
  const MadeUp study({5});
  CHECK(seeds_of(within_budget(study.plan, study.work, 4, 1).plan, 5).at("full tuning") == 2);
  CHECK(seeds_of(within_budget(study.plan, study.work, 2, 1).plan, 5).at("full tuning") == 1);
  CHECK_THROWS_WITH_AS(
      within_budget(study.plan, study.work, 0.5, 1),
      doctest::Contains("a budget of 0.50 s is too little: the first two arms alone take about "
                        "2.00 s"),
      Error);
  // The start may have taken more than there was.
  CHECK_THROWS_WITH_AS(
      within_budget(study.plan, study.work, {1, 3}, 1),
      doctest::Contains("a budget of 1.00 s is too little: reading and pricing took 3.00 s, and the first "),
      Error);
}

TEST_CASE("the clock: several threads, idle at the end, and what is done on one") {
  WorkForecast work;
  work.cells.assign(10, 1);
  work.before = 2;
  work.after = 1;
  CHECK(work.wall(1) == doctest::Approx(13));
  CHECK(work.wall(2) == doctest::Approx(2 + 5 + 0.25 + 1));
  work.cells = {8, 1};
  CHECK(work.wall(2) == doctest::Approx(3 + 8));
  const MadeUp study({5});
  CHECK(within_budget(study.plan, study.work, 6, 2).work.wall(2) <= 6);
}

}  // namespace
