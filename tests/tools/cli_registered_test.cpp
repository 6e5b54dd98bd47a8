// firn study --registered: what was promised, and where a run departs from it.
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "tests/tools/cli_study_run.h"

namespace {

using firn::cli::Database;
using firn::test::Cli;
using firn::test::number;
using firn::test::Outcome;
using firn::test::rows;
using Json = nlohmann::json;

Json registered() {
  return Json::parse(R"({
    "registered": {"date": "2026-11-29", "question": "does it?", "margin": 0.1, "level": 0.05, "test_samples": 60,
                   "outcomes": ["primary: accuracy", "secondary: loss"], "tuned_on": ["fashion-mnist"]},
    "experiments": [{"name": "cuts", "claim": 1, "models": ["mlp"], "sources": ["random"], "labels": [2, 5],
                     "freeze": ["0", "1"], "seeds": 2, "steps": 6, "batch": 8, "rates": [0.002]}]})");
}

std::string meta(const Cli& cli, const std::string& run, const std::string& key) {
  Database database(cli.path("runs/" + run + "/results.sqlite"), false);
  return rows(database, "SELECT value FROM meta WHERE key='" + key + "'");
}

bool has(const std::string& text, const std::string& part) {
  INFO(text);
  return text.find(part) != std::string::npos;
}

TEST_CASE("run as it was registered, and where not it says so") {
  Cli cli;
  cli.write("plan.json", registered().dump());
  const Outcome as_it_was = cli.run("study --registered plan.json");
  INFO(as_it_was.err);
  REQUIRE(as_it_was.code == 0);
  CHECK(has(as_it_was.out, "plan.json (2026-11-29): run as it was registered"));
  CHECK(number(cli, "study-plan", "SELECT min(test_samples) FROM results") == 60);
  CHECK(has(meta(cli, "study-plan", "registered"), "plan.json, of 2026-11-29, SHA-256 "));
  CHECK(has(meta(cli, "study-plan", "outcomes"), "primary: accuracy; secondary: loss"));

  const Outcome other =
      cli.run("study --registered plan.json --seeds 3 --labels 5 --test-samples 50 --run other --json");
  INFO(other.err);
  REQUIRE(other.code == 0);
  const Json end = Json::parse(other.lines().back());
  const std::string all = end.at("departures").dump();
  CHECK(end.at("departures").size() == 3);
  CHECK(has(all, "cuts: seeds 3 in the place of 2"));
  CHECK(has(all, "cuts: labels [5] in the place of [2,5]"));
  CHECK(has(all, "judged on at most 50 test samples in the place of 60"));
  CHECK(has(cli.read("runs/other/report.html"), "departs from what was registered: cuts: "));
}

TEST_CASE("another margin than the program's is a departure") {
  Cli cli;
  Json plan = registered();
  plan["registered"]["margin"] = 0.2;
  plan["registered"]["level"] = 0.01;
  cli.write("plan.json", plan.dump());
  const Outcome outcome = cli.run("study --registered plan.json");
  REQUIRE(outcome.code == 0);
  CHECK(has(outcome.out, "the margin is 0.1 of the errors in the place of 0.2"));
  CHECK(has(outcome.out, "families are told on a level of 0.05 in the place of 0.01"));
}

TEST_CASE("what is no registration") {
  Cli cli;
  const auto refused = [&](const Json& plan, const std::string& words, const std::string& with = "") {
    cli.write("plan.json", plan.dump());
    const Outcome outcome = cli.run("study --registered plan.json " + with);
    CHECK(outcome.code == 2);
    CHECK(has(outcome.err, words));
    CHECK(outcome.error_lines() == 1);
  };
  Json plan = registered();
  plan.erase("registered");
  refused(plan, "is no registered study");
  plan = registered();
  plan["registered"].erase("outcomes");
  refused(plan, "'registered' has no 'outcomes'");
  plan = registered();
  plan["registered"]["margin"] = "much";
  refused(plan, "'margin' is of another kind");
  plan = registered();
  plan["registered"]["marign"] = 0.1;
  refused(plan, "'marign' is unknown");
  plan = registered();
  plan["registered"]["tuned_on"] = {"digits"};
  refused(plan, "cuts reports on digits, which rules were tried on");
  refused(registered(), "--registered exclude each other", "--preset labels");
}

}  // namespace
