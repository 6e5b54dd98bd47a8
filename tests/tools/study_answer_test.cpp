// The answer of a study, on results that are made up so that the best choice is known.
#include "tools/app/study/answers.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "tests/tools/made_up_study.h"

namespace {

using namespace firn;
using namespace firn::cli;
using firn::test::MadeUp;

auto cut(const char* freeze, std::string_view source = kDrawnSource, Index labels = 5) {
  return [=](Arm& arm) {
    arm.freeze = freeze;
    arm.source = source;
    arm.labels = labels;
  };
}

bool holds(const std::string& text, const std::string& part) {
  INFO(text);
  return text.find(part) != std::string::npos;
}

TEST_CASE("scratch is the answer where it is best, and says that no frozen arm is told from it") {
  MadeUp study(1);
  study.add(cut("0", kRandomSource), 0.891);
  study.add(cut("0"), 0.87);
  study.add(cut("1"), 0.889, -30);
  study.add(cut("2"), 0.85, -30);
  const std::vector<Answer> found = study.answers();
  REQUIRE(found.size() == 1);
  CHECK(found[0].arms.size() == 4);
  CHECK(found[0].best->arm->name() == "scratch");
  CHECK(found[0].other->arm->name() == "first 1 frozen");
  CHECK(found[0].difference.mean == doctest::Approx(0.002));
  CHECK(holds(found[0].text, "cnn on digits, 5 labels a class: train from scratch: 89.1 % (88."));
  CHECK(
      holds(found[0].text, "no frozen arm told from it (freeze the first block, from drawn: -0.2 points ("));
  CHECK(holds(found[0].text, "tune everything, from drawn: -2.1 points (-2.1 to -2.1), worse"));
}

TEST_CASE("arms of all sources are held against each other, those that are told are counted") {
  MadeUp study(1);
  study.add(cut("0", kRandomSource), 0.8);
  study.add(cut("0"), 0.85);
  study.add(cut("0", "mnist"), 0.86);
  study.add(cut("1", "mnist"), 0.9);
  study.add(cut("2", "mnist"), 0.899, -30);
  study.add(cut("3", "mnist"), 0.7);
  const std::vector<Answer> found = study.answers();
  REQUIRE(found.size() == 1);
  CHECK(found[0].best->arm->name() == "first 1 frozen");
  CHECK(found[0].other->arm->source == "mnist");
  CHECK(holds(found[0].text, ": freeze the first block, from mnist: 90.0 % ("));
  CHECK(holds(found[0].text, "; train from scratch: -10.0 points"));
  CHECK(holds(found[0].text, "; 2 of 2 fully tuned arms told from it (tune everything, from mnist: -4.0 "));
  CHECK(holds(found[0].text,
              "; 1 of 2 other frozen arms told from it (freeze the first 2 blocks, from mnist: "));
}

TEST_CASE("arms are chosen on the validation part, and what is said is of the test part") {
  MadeUp study(1);
  study.add(cut("0"), 0.9, 1, 100, 1, 0.8);
  study.add(cut("1"), 0.85, 1, 100, 1, 0.88);
  study.add(cut("2"), 0.87, 1, 100, 1, 0.87);
  const Answer answer = study.answers().at(0);
  CHECK(answer.best->arm->name() == "first 1 frozen");
  CHECK(answer.other->arm->name() == "full tuning");
  CHECK(holds(answer.text, "freeze the first block, from drawn: 85.0 %"));
  CHECK(holds(answer.text, "tune everything, from drawn: +5.0 points (+5.0 to +5.0), better"));
}

TEST_CASE("without cut 0 and without scratch there is an answer") {
  MadeUp study(0);
  study.add(cut("1"), 0.8);
  study.add(cut("2"), 0.7);
  const std::vector<Answer> found = study.answers();
  REQUIRE(found.size() == 1);
  CHECK(found[0].other == nullptr);
  CHECK(found[0].faster == 0);
  CHECK(
      holds(found[0].text, "; freeze the first 2 blocks, from drawn: -10.0 points (-10.0 to -10.0), worse"));
  MadeUp alone(0);
  alone.add(cut("1", kRandomSource), 0.8);
  CHECK(holds(alone.answers().at(0).text, "freeze the first block, of new weights: 80.0 %"));
  CHECK(holds(alone.answers().at(0).text, "nothing to compare it with"));
}

TEST_CASE("one seed cannot tell, and gives no interval") {
  MadeUp study(1, 1);
  study.add(cut("0", kRandomSource), 0.8);
  study.add(cut("0"), 0.9);
  const std::string text = study.answers().at(0).text;
  CHECK(holds(
      text,
      "tune everything, from drawn: 89.6 %; one seed cannot tell arms apart; train from scratch: 79.6 %"));
  CHECK_FALSE(holds(text, "("));
  CHECK_FALSE(holds(text, "±"));
}

TEST_CASE("each number of labels is a question of its own") {
  MadeUp study(1);
  study.add(cut("0", kDrawnSource, 5), 0.8);
  study.add(cut("1", kDrawnSource, 5), 0.9);
  study.add(cut("0", kDrawnSource, 0), 0.95);
  study.add(cut("1", kDrawnSource, 0), 0.94);
  const std::vector<Answer> found = study.answers();
  REQUIRE(found.size() == 2);
  CHECK(found[0].best->arm->name() == "first 1 frozen");
  CHECK(found[1].best->arm->name() == "full tuning");
}

TEST_CASE("the target itself with few labels is no choice") {
  MadeUp study(2);
  study.add(cut("0", kSelfSource), 0.99);
  study.add(cut("0"), 0.8);
  CHECK(study.answers().at(0).best->arm->source == kDrawnSource);
  MadeUp alone(2);
  alone.add(cut("0", kSelfSource), 0.99);
  CHECK(alone.answers().at(0).best->arm->source == kSelfSource);
}

TEST_CASE("bounds stay within what is possible") {
  MadeUp study(1, 2);
  study.add(cut("0"), 1.0, 10);  // 0.96 and 0.98
  study.add(cut("1"), 0.02, -10);
  const Answer answer = study.answers().at(0);
  CHECK(holds(answer.text, " to 100.0)"));
  CHECK(answer.difference.interval.high <= 1);
  CHECK(answer.difference.interval.low >= -1);
}

TEST_CASE("the text names the method of every number of seeds") {
  const auto text = [](int seeds) {
    MadeUp study(1, seeds);
    study.add(cut("0"), 0.9);
    return statistics_text(study.plan());
  };
  CHECK(holds(text(1), "With 1 seed there is none: arms cannot be told apart"));
  CHECK(holds(text(3), "two-way table of seeds and test items"));
  CHECK_FALSE(holds(text(5), "1 seed"));
  Plan many;
  many.arms.resize(2);
  for (std::uint64_t seed = 0; seed < 12; ++seed) many.cells.push_back({"", 0, seed, {}});
  for (std::uint64_t seed = 0; seed < 3; ++seed) many.cells.push_back({"", 1, seed, {}});
  CHECK(holds(statistics_text(many), "Holm 1979"));
}

TEST_CASE("sources that fit the data") {
  DataInfo two;
  two.name = "two";
  two.classes = {"a", "b"};
  two.kind = DataKind::image;
  Grid grid;
  CHECK(holds(complete(grid, two).at(0), "2 classes"));
  CHECK(grid.sources == std::vector<std::string>{"drawn"});
  two.kind = DataKind::vector;
  Grid table;
  CHECK(holds(complete(table, two).at(0), "new weights alone"));
  CHECK(table.sources == std::vector<std::string>{"random"});
  Grid asked;
  asked.sources = {"half"};  // refused when it is opened
  CHECK(complete(asked, two).empty());
  CHECK(asked.sources == std::vector<std::string>{"half"});
  two.classes = {"a", "b", "c", "d"};
  Grid four;
  CHECK(complete(four, two).empty());
  CHECK(four.sources == std::vector<std::string>{"half"});
}

TEST_CASE("numbers that nobody can mean are refused") {
  Grid grid;
  grid.models = {"mlp"};
  grid.sources = {"random"};
  CHECK_NOTHROW(check(grid));
  const auto refused = [&](auto set) {
    Grid other = grid;
    set(other);
    CHECK_THROWS_AS(check(other), Error);
  };
  refused([](Grid& g) { g.seeds = 1'000'000; });
  refused([](Grid& g) { g.budget.batch = 2'147'483'647; });
  refused([](Grid& g) { g.budget.steps = 2'147'483'647; });
  refused([](Grid& g) { g.budget.source_epochs = 2'147'483'647; });
  refused([](Grid& g) { g.labels.assign(1000, 5); });
  refused([](Grid& g) { g.freeze.assign(1000, "1"); });
}

}  // namespace
