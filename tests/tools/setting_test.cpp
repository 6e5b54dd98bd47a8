// A setting is written once: options, JSON, checks and what is given come of one list.
#include <doctest/doctest.h>

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/base/error.h"
#include "tools/app/cli/setting.h"
#include "tools/app/run/training.h"
#include "tools/app/study/grid.h"

namespace {

using namespace firn;
using namespace firn::cli;

struct Kettle {
  bool loud = false;
  Index cups = 4;
  double heat = 0.5;
  std::optional<double> salt;
  std::string tea = "green";
  std::vector<std::string> guests{"a"};
  std::vector<double> pours{0.25, 0.5};
};

Settings settings(Kettle& kettle) {
  return {
      {.key = "loud", .place = &kettle.loud, .option = "--loud", .help = "whistles"},
      {.key = "cups", .place = &kettle.cups, .range = from_to(1, 9), .option = "--cups", .value = "N"},
      {.key = "heat", .place = &kettle.heat, .range = from_to(0, 1), .option = "--heat", .value = "H"},
      {.key = "salt", .place = &kettle.salt, .range = above(0), .option = "--salt", .value = "S"},
      {.key = "tea", .place = &kettle.tea, .among = {"green", "black"}, .option = "--tea"},
      {.key = "guests", .place = &kettle.guests, .option = "--guest", .value = "G"},
      {.key = "pours", .place = &kettle.pours, .range = from_to(0, 1), .option = "--pours", .value = "P,..."},
  };
}

TEST_CASE("the command line reads what the list says") {
  Kettle kettle;
  Arguments arguments("brew", "");
  declare(arguments, settings(kettle));
  CHECK(arguments.parse({"--cups", "7", "--salt", "0.1", "--tea", "black", "--loud", "--pours", "0,1"}));
  CHECK(kettle.loud);
  CHECK(kettle.cups == 7);
  CHECK(kettle.salt == 0.1);
  CHECK(kettle.tea == "black");
  CHECK(kettle.pours == std::vector<double>{0, 1});
  CHECK(kettle.heat == 0.5);  // not given

  Kettle other;
  Arguments refused("brew", "");
  declare(refused, settings(other));
  CHECK_THROWS_WITH_AS(refused.parse({"--cups", "10"}), "[brew] --cups 10: want a whole number from 1 to 9",
                       Error);
}

TEST_CASE("a file holds every setting in the list's order") {
  Kettle kettle;
  CHECK(to_json(settings(kettle)).text() ==
        R"({"loud":false,"cups":4,"heat":0.5,"salt":0,"tea":"green","guests":["a"],"pours":[0.25,0.5]})");
}

TEST_CASE("what a file has only where it is given is left out elsewhere, and a zero that is given is not") {
  Kettle kettle;
  kettle.guests.clear();
  const auto text = [&] {
    Settings all = settings(kettle);
    for (Setting& setting : all) setting.only_given = true;
    return to_json(all).text();
  };
  CHECK(text() == R"({"cups":4,"heat":0.5,"tea":"green","pours":[0.25,0.5]})");
  kettle.salt = 0;
  kettle.guests = {"b"};
  CHECK(text() == R"({"cups":4,"heat":0.5,"salt":0,"tea":"green","guests":["b"],"pours":[0.25,0.5]})");
}

TEST_CASE("the first value that is not taken is named, with what is wanted") {
  const auto wrong = [](auto change) {
    Kettle kettle;
    change(kettle);
    return fault_of(settings(kettle));
  };
  CHECK(wrong([](Kettle&) {}).empty());
  CHECK(wrong([](Kettle& k) { k.cups = 0; }) == "cups 0: want a whole number from 1 to 9");
  CHECK(wrong([](Kettle& k) { k.heat = 1.5; }) == "heat 1.5: want a number from 0 to 1");
  CHECK(wrong([](Kettle& k) { k.salt = -1; }).starts_with("salt -1: want a number above 0"));
  CHECK(wrong([](Kettle& k) { k.pours.push_back(2); }) == "pours 2: want a number from 0 to 1");
  const std::string word = wrong([](Kettle& k) { k.tea = "blacc"; });
  CHECK(word.starts_with("tea 'blacc': want green or black"));
  CHECK(word.find("did you mean black?") != std::string::npos);
}

TEST_CASE("what stands for nothing chosen is allowed, and written by its word") {
  struct {
    std::string lid;
    Index spoons = 0;
    std::vector<Index> jars{3};
    std::vector<std::string> herbs;
    Index fire = 2;
  } shelf;
  const Settings all = {
      {.key = "lid", .place = &shelf.lid, .among = {"tin", "wood"}, .option = "--lid", .none = "open"},
      {.key = "spoons", .place = &shelf.spoons, .range = at_least(1), .none = ""},
      {.key = "jars", .place = &shelf.jars, .range = from_to(1, 9), .option = "--jars", .none = "all"},
      {.key = "herbs",
       .place = &shelf.herbs,
       .among = {"mint", "sage"},
       .option = "--herbs",
       .split = split_at_commas},
      {.key = "", .place = &shelf.fire, .range = from_to(1, 9), .option = "--fire"},
  };
  CHECK(to_json(all).text() == R"({"lid":"open","spoons":0,"jars":[3],"herbs":[]})");
  CHECK(fault_of(all).empty());
  shelf.lid = "glass";
  CHECK(fault_of(all).starts_with("lid 'glass': want tin or wood"));
  shelf.lid = "";

  Arguments arguments("cook", "");
  declare(arguments, all);
  CHECK(arguments.parse({"--jars", "5,all", "--herbs", "mint,sage", "--fire", "4"}));
  CHECK(shelf.jars == std::vector<Index>{5, 0});
  CHECK(shelf.herbs == std::vector<std::string>{"mint", "sage"});
  CHECK(shelf.fire == 4);
  CHECK(fault_of(all).empty());
  shelf.herbs.push_back("salt");
  CHECK_THROWS_WITH_AS(require_valid(all, "cook"),
                       doctest::Contains("[cook] herbs 'salt': want mint or sage"), Error);

  Arguments refused("cook", "");
  declare(refused, all);
  CHECK_THROWS_WITH_AS(refused.parse({"--jars", "0"}), "[cook] --jars 0: want a whole number from 1 to 9",
                       Error);
}

TEST_CASE("what is given is taken, and nothing else") {
  Kettle kettle, asked;
  clear(settings(asked));
  take_given(settings(kettle), settings(asked));
  CHECK(to_json(settings(kettle)).text() == [] {
    Kettle usual;
    return to_json(settings(usual)).text();
  }());
  asked.cups = 2;
  asked.salt = 0.5;
  asked.guests = {"b", "c"};
  take_given(settings(kettle), settings(asked));
  CHECK(kettle.cups == 2);
  CHECK(kettle.salt == 0.5);
  CHECK(kettle.guests == std::vector<std::string>{"b", "c"});
  CHECK(kettle.heat == 0.5);
}

TEST_CASE("what a grid says is written and read again, and held to the same ranges as its options") {
  Grid grid;
  grid.name = grid.title = "one";
  grid.labels = {5, 0};
  grid.freeze_at = {0, 0.5};
  grid.budget.rates = {1e-3};
  grid.budget.exact = true;
  const std::string text = grid_json(grid);
  CHECK(text.find(R"("labels":[5,"all"])") != std::string::npos);
  const std::vector<Grid> read = parse_grids(std::as_bytes(std::span(text.data(), text.size())), "file");
  REQUIRE(read.size() == 1);
  CHECK(grid_json(read[0]) == text);

  const std::string bad = R"({"name": "one", "steps": 0})";
  CHECK_THROWS_WITH_AS(parse_grids(std::as_bytes(std::span(bad.data(), bad.size())), "file"),
                       "[study] file: steps 0: want a whole number from 1 to 10000000", Error);

  const std::string word = R"({"name": "one", "precision": ["fp32", "bf17"]})";
  CHECK_THROWS_WITH_AS(parse_grids(std::as_bytes(std::span(word.data(), word.size())), "file"),
                       doctest::Contains("precision 'bf17': want fp32 or bf16"), Error);

  GridChanges changes;
  changes.grid.precision = {"bf16"};
  changes.grid.budget.steps = 7;
  change(grid, changes);
  CHECK(grid.budget.steps == 7);
  CHECK(grid.precision == std::vector<std::string>{"bf16"});
  CHECK(grid.labels == std::vector<Index>{5, 0});
  CHECK(grid.scratch);
}

TEST_CASE("config.json names the settings of training as it did") {
  TrainingChoice choice;
  choice.optimizer = "sgd";
  choice.rate = 0.05;
  choice.class_factors = {1, 2};
  CHECK(training_json(choice).text() ==
        R"({"epochs":5,"optimizer":"sgd","rate":0.05,"momentum":0,"nesterov":false,"decay":0,)"
        R"("schedule":"cosine","clip":0,"smoothing":0,"augment":"","block_rates":[],"patience":0,)"
        R"("class_weights":"","class_factors":[1,2]})");
  choice.optimizer = "adam";
  choice.betas = {0.8, 0.99};
  choice.epsilon = 0;
  const std::string text = training_json(choice).text();
  CHECK(text.find(R"("betas":[0.8,0.99],"epsilon":0)") != std::string::npos);
  CHECK(text.find("alpha") == std::string::npos);
}

}  // namespace
