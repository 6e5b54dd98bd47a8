// How long it will take: train --dry-run, study --dry-run and --budget.
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "tests/tools/cli_study_run.h"

namespace {

using firn::test::Cli;
using firn::test::kPicturedTinyStudy;
using firn::test::number;
using firn::test::Outcome;
using Json = nlohmann::json;

TEST_CASE("train --dry-run: all that the command will take, and nothing is written") {
  Cli cli;
  const auto forecast = [&](const std::string& more) {
    const Outcome outcome = cli.run("train --model mlp --data digits --threads 1 --dry-run --json " + more);
    INFO(outcome.err);
    REQUIRE(outcome.code == 0);
    const Json json = Json::parse(outcome.lines().at(0));
    CHECK(json.at("kind") == "result");
    CHECK(json.at("dry_run") == true);
    const auto part = [&](const char* name) { return json.at(name).get<double>(); };
    CHECK(part("reading_seconds") > 0);
    CHECK(part("test_seconds") > 0);
    CHECK(part("validation_seconds") >= 0);  // of a run that was over before it could be told: in the steps
    CHECK(part("seconds") ==
          doctest::Approx(part("reading_seconds") + part("training_seconds") + part("validation_seconds") +
                          part("test_seconds") + part("files_seconds")));
    CHECK((part("files_seconds") > 0) == (more.find("--no-run") == std::string::npos));
    return json;
  };
  const Json full = forecast("--epochs 10"), head = forecast("--epochs 10 --freeze head");
  CHECK(full.at("kept_ms").is_null());
  CHECK(head.at("kept_ms") < head.at("step_ms"));
  CHECK(head.at("training_seconds") < full.at("training_seconds"));
  CHECK(forecast("--epochs 1 --no-run").at("training_seconds") < full.at("training_seconds"));
  CHECK(cli.files().empty());
  const Outcome text = cli.run("train --model mlp --data digits --threads 1 --dry-run");
  CHECK(text.out.find("reading") != std::string::npos);
}

// Not how near they are: the machine may do other things meanwhile.
TEST_CASE("what a command takes is said when it begins, and at the end beside what it took") {
  Cli cli;
  const Outcome outcome = cli.run("train --model mlp --data digits --threads 1 --epochs 3 --json --run a");
  INFO(outcome.err);
  REQUIRE(outcome.code == 0);
  const Json result = Json::parse(outcome.lines().back());
  const auto said = result.at("forecast_seconds").get<double>();
  CHECK(said > 0);
  CHECK(outcome.err.find(" in all, ") < outcome.err.find("test accuracy"));
  CHECK(outcome.err.find("were forecast") != std::string::npos);
  CHECK(result.at("waiting_share").get<double>() >= 0);
  CHECK(result.at("waiting_share").get<double>() < 1);
  // Of one short epoch nothing is known before it is over; what was never said is not held against the clock.
  const std::string brief = cli.run("train --model mlp --data digits --threads 1 --epochs 1 --no-run").err;
  CHECK((brief.find("forecast") == std::string::npos) == (brief.find(" in all, ") == std::string::npos));
}

TEST_CASE("a study's dry run reads no picture") {
  Cli cli;
  for (int i = 0; i < 40; ++i)
    cli.write("photos/" + std::string(i % 2 == 0 ? "a/" : "b/") + std::to_string(i) + ".jpg", "not read");
  const std::string study =
      "study --data photos --model mlp --source random --seeds 2 --labels 1,5 --threads 1 ";
  const Outcome outcome = cli.run(study + "--dry-run --json");
  INFO(outcome.err);
  REQUIRE(outcome.code == 0);
  CHECK(Json::parse(outcome.lines().at(0)).at("seconds").get<double>() > 0);
  CHECK(cli.run(study).code == 3);
}

TEST_CASE("a study within a budget") {
  Cli cli;
  const std::string grid = "--seeds 5 --source half --labels 1,3 --threads 1 ";
  const std::string study = kPicturedTinyStudy + grid;
  // So long that what is spent before it begins does not matter.
  const std::string long_study = "study --model mlp --steps 20000 --batch 32 " + grid;
  const auto cells = [&](const std::string& budget) {
    const Outcome outcome = cli.run(long_study + "--dry-run --json " + budget);
    INFO(outcome.err);
    REQUIRE(outcome.code == 0);
    return Json::parse(outcome.lines().at(0));
  };
  const Json all = cells("");
  CHECK(all.at("cells") == 60);
  CHECK(cells("--budget 10000h").at("cells") == 60);
  const double half = all.at("seconds").get<double>() / 2;
  const Json some = cells("--budget " + std::to_string(half) + "s");
  CHECK(some.at("cells").get<int>() > 0);
  CHECK(some.at("cells").get<int>() < 60);
  CHECK(cli.files().empty());
  const Outcome little = cli.run(study + "--budget 1ms");
  CHECK(little.code == 2);
  CHECK(little.err.find("too little") != std::string::npos);
  CHECK(cli.run(study + "--budget soon").code == 2);

  const Outcome run = cli.run(study + "--budget 10h --run a");
  INFO(run.err);
  REQUIRE(run.code == 0);
  CHECK(run.err.find("within") != std::string::npos);
  CHECK(number(cli, "a", "SELECT count(*) FROM results") == 60);
  CHECK(number(cli, "a", "SELECT count(*) FROM meta WHERE key='state' AND value='complete'") == 1);
}

}  // namespace
