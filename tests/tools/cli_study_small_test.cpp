// Studies of what is small or odd: two classes, one seed, no cut 0, absurd numbers.
#include <doctest/doctest.h>

#include <sstream>
#include <string>
#include <vector>

#include "engine/base/rng.h"
#include "tests/tools/cli_study_run.h"

namespace {

using firn::cli::Database;
using firn::test::Cli;
using firn::test::kTinyStudy;
using firn::test::number;
using firn::test::Outcome;
using firn::test::rows;

bool holds(const std::string& text, const std::string& part) {
  INFO(text);
  return text.find(part) != std::string::npos;
}

/// Two classes of four numbers each, apart by their means.
std::string two_classes() {
  firn::Random random(5, "two classes");
  std::string text = "a,b,c,d,label\n";
  for (int i = 0; i < 80; ++i) {
    for (int column = 0; column < 4; ++column)
      text += std::to_string(random.normal() + (i % 2 == 0 ? 1 : -1)) + ",";
    text += i % 2 == 0 ? "yes\n" : "no\n";
  }
  return text;
}

TEST_CASE("two classes: no half to learn before, new weights are studied, and that is said") {
  Cli cli;
  cli.write("two.csv", two_classes());
  const Outcome outcome =
      cli.run("study --data csv:two.csv --model mlp --steps 30 --batch 8 --seeds 2 --labels 2,5 --run a");
  INFO(outcome.err);
  REQUIRE(outcome.code == 0);
  CHECK(holds(outcome.err, "2 classes"));
  CHECK(holds(outcome.err, "new weights alone"));
  CHECK(holds(outcome.out, "mlp on two.csv, 2 labels a class: "));
  CHECK(number(cli, "a", "SELECT count(*) FROM arms WHERE source<>'random'") == 0);
  CHECK(holds(cli.run("study --data csv:two.csv --source half --run b").err, "at least 4 are wanted"));
}

TEST_CASE("windows of a text are counted in all, not a class") {
  Cli cli;
  std::string text;
  for (int i = 0; i < 400; ++i) text += "a line of words, and " + std::to_string(i % 7) + " more\n";
  cli.write("lines.txt", text);
  cli.write("net.txt", "embedding 4, lstm 8, dense");
  const Outcome outcome = cli.run(
      "study --data text:lines.txt --model net.txt --source random --labels 20 --freeze "
      "0,1 "
      "--steps 4 --seeds 2 --rate 1e-2 --run a");
  INFO(outcome.err);
  REQUIRE(outcome.code == 0);
  CHECK(holds(outcome.out, ", 20 labelled samples: "));
  CHECK(!holds(outcome.out, "labels a class"));
}

/// The fields of a line of CSV.
std::vector<std::string> csv_fields(const std::string& line) {
  std::vector<std::string> fields(1);
  bool quoted = false;
  for (const char c : line) {
    if (c == '"') {
      quoted = !quoted;
    } else if (c == ',' && !quoted) {
      fields.emplace_back();
    } else {
      fields.back() += c;
    }
  }
  return fields;
}

TEST_CASE("a network of one's own stands in results.csv as one field, commas and all") {
  Cli cli;
  cli.write("two.csv", two_classes());
  const Outcome outcome =
      cli.run("study --data csv:two.csv --steps 10 --batch 8 --seeds 2 --labels 2 --run a --model",
              {"dense 4, relu, dense"});
  INFO(outcome.err);
  REQUIRE(outcome.code == 0);
  std::istringstream lines(cli.read("runs/a/results.csv"));
  std::size_t columns = 0, named = 0;
  for (std::string line; std::getline(lines, line);) {
    const std::vector<std::string> fields = csv_fields(line);
    if (columns == 0) columns = fields.size();
    CHECK(fields.size() == columns);
    named += fields.at(1) == "dense 4, relu, dense";
  }
  CHECK(named > 0);
}

TEST_CASE("one seed and no cut 0: an answer that says what it cannot tell") {
  Cli cli;
  const Outcome outcome = cli.run(kTinyStudy + "--source half --labels 3 --freeze 1,2 --seeds 1 --run a");
  INFO(outcome.err);
  REQUIRE(outcome.code == 0);
  CHECK(holds(outcome.out, "one seed cannot tell arms apart"));
  CHECK(holds(outcome.out, "With 1 seed there is none"));
  CHECK_FALSE(holds(outcome.out, "±"));
  Database database(cli.path("runs/a/results.sqlite"), false);
  CHECK(holds(rows(database, "SELECT value FROM meta WHERE key='headline'"), "mlp on digits (second half"));
  CHECK(holds(cli.read("runs/a/report.html"), "one seed cannot tell arms apart"));
}

TEST_CASE("absurd numbers are refused in one line, and nothing is written") {
  Cli cli;
  for (const char* grid :
       {R"({"seeds": 1000000})", R"({"batch": 2147483647})", R"({"steps": 2147483647})",
        R"({"source_epochs": 2147483647})",
        R"({"seeds": 1000, "labels": [1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20], "bn": "frozen",
            "sources": "random", "models": "mlp", "freeze_at": [0.1, 0.2, 0.3, 0.4], "freeze": ["1", "2"]})"}) {
    cli.write("g.json", grid);
    const Outcome outcome = cli.run("study --grid g.json");
    INFO(grid << "\n" << outcome.err);
    CHECK(outcome.code == 2);
    CHECK(outcome.error_lines() == 1);
    CHECK_FALSE(cli.has("runs"));
  }
}

}  // namespace
