// firn study as its users run it: killed and gone on with, changed, made again.
#include <doctest/doctest.h>

#include <chrono>
#include <csignal>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "engine/base/rng.h"
#include "tests/tools/cli_study_run.h"

namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif

using firn::cli::Database;
using firn::cli::Statement;
using firn::test::check_same_tables;
using firn::test::Cli;
using firn::test::kPicturedStudy;
using firn::test::kSmallStudy;
using firn::test::kTinyStudy;
using firn::test::number;
using firn::test::Outcome;
using firn::test::rows;
using firn::test::study_tables;
using Json = nlohmann::json;

TEST_CASE("killed at any moment, the same command goes on to the same tables, on any number of threads") {
  Cli cli;
  const Outcome whole = cli.run(kPicturedStudy + "--run whole --threads 2");
  INFO(whole.err);
  REQUIRE(whole.code == 0);
  firn::Random random(11, "kills");
  int kills = 0;
  for (int attempt = 0; attempt < 10; ++attempt) {
    const pid_t process =
        cli.start(kPicturedStudy + "--run killed --threads " + std::to_string(1 + attempt % 3));
    std::this_thread::sleep_for(std::chrono::milliseconds(20 + random.below(200)));
    kill(process, SIGKILL);
    kills += cli.wait(process).code == 128 + SIGKILL ? 1 : 0;
  }
  CHECK(kills > 0);
  const Outcome last = cli.run(kPicturedStudy + "--run killed --threads 1");
  INFO(last.err);
  REQUIRE(last.code == 0);
  const auto tables = study_tables(cli, "whole");
  for (const auto& table : tables) {
    INFO(table.first);
    CHECK_FALSE(table.second.empty());
  }
  check_same_tables(tables, study_tables(cli, "killed"));
  CHECK(number(cli, "killed", "SELECT count(*) FROM meta WHERE key='state' AND value='complete'") == 1);
}

TEST_CASE("a changed grid does the new cells alone, and what is there is never made again") {
  Cli cli;
  REQUIRE(cli.run(kSmallStudy + "--run a").code == 0);
  const std::int64_t cells = number(cli, "a", "SELECT count(*) FROM cells");
  // Of each part of the classes, for two label counts: three cuts and scratch, three cuts of new weights
  // besides; two seeds.
  CHECK(cells == 2 * 2 * (3 + 1 + 2) * 2);
  const auto before = study_tables(cli, "a");
  const Outcome again = cli.run(kSmallStudy + "--run a");
  CHECK(again.code == 0);
  CHECK(again.err.find("48 of 48 cells are there already") != std::string::npos);
  check_same_tables(before, study_tables(cli, "a"));

  const Outcome more = cli.run(kTinyStudy + "--seeds 2 --source half,drawn --labels 1,2 --run a");
  CHECK(more.code == 0);
  CHECK(more.err.find("24 of 48 cells are there already") != std::string::npos);
  CHECK(number(cli, "a", "SELECT count(*) FROM cells") == 72);
  // What is shown is the last grid's.
  CHECK(number(cli, "a", "SELECT count(*) FROM members") == 48);
  CHECK(number(cli, "a",
               "SELECT count(DISTINCT labels) FROM arms JOIN cells USING (arm) JOIN members USING (cell)") ==
        2);
  // Another folder, two cells alone, in another order: the same numbers.
  REQUIRE(cli.run(kTinyStudy + "--run b --labels 3 --source half --freeze 1 --seeds 1").code == 0);
  Database a(cli.path("runs/a/results.sqlite"), false);
  Database b(cli.path("runs/b/results.sqlite"), false);
  int compared = 0;
  Statement cell(b, "SELECT cell FROM cells ORDER BY cell");
  while (cell.next()) {
    const std::string where = " WHERE cell='" + cell.text(0) + "'";
    const std::string one =
        rows(b, "SELECT accuracy,ece,loss,train_loss,rate,macs_forward FROM results" + where);
    CHECK_FALSE(one.empty());
    CHECK(one == rows(a, "SELECT accuracy,ece,loss,train_loss,rate,macs_forward FROM results" + where));
    CHECK(rows(b, "SELECT * FROM curves" + where) == rows(a, "SELECT * FROM curves" + where));
    CHECK(rows(b, "SELECT * FROM confusion" + where) == rows(a, "SELECT * FROM confusion" + where));
    ++compared;
  }
  CHECK(compared == 3);
}

TEST_CASE("a deep network without batch norm gets from new weights to more than chance, in few steps") {
  Cli cli;
  const Outcome outcome = cli.run(
      "study --run a --model doodlenet --source random --labels 5 --freeze 0,6 --steps 80 --batch 16 --seeds "
      "3 "
      "--rate 2e-3 --test-samples 300");
  INFO(outcome.err);
  REQUIRE(outcome.code == 0);
  CHECK(number(cli, "a", "SELECT count(*) FROM results") == 6);
  Database database(cli.path("runs/a/results.sqlite"), false);
  // Of ten classes. New weights frozen are features too.
  CHECK(rows(database, "SELECT cell,accuracy FROM results WHERE accuracy<0.5") == "");
}

TEST_CASE("what is frozen is computed once for each sample, and the costs say both") {
  Cli cli;
  REQUIRE(cli.run(kTinyStudy + "--run a --seeds 1 --source half --labels 3").code == 0);
  const std::string of = "SELECT count(*) FROM costs JOIN arms USING (arm) WHERE ";
  CHECK(number(cli, "a", of + "frozen_blocks>0") == 4);
  CHECK(number(cli, "a", of + "frozen_blocks>0 AND step_kept_ms>0") == 4);
  CHECK(number(cli, "a", of + "frozen_blocks=0 AND step_kept_ms IS NULL") == 2);
}

TEST_CASE("a source's weights are kept, and made again where they are lost or damaged") {
  Cli cli;
  const std::string from_half = kTinyStudy + "--run a --seeds 2 --source half ";
  REQUIRE(cli.run(from_half + "--labels 1").code == 0);
  const auto before = study_tables(cli, "a");
  std::vector<std::string> origins;
  for (const std::string& file : cli.files()) {
    if (file.find("/origins/") != std::string::npos) origins.push_back(file);
  }
  REQUIRE(origins.size() == 2);
  const std::string whole = cli.read(origins[0]);
  cli.write(origins[0], whole.substr(0, whole.size() / 2));
  REQUIRE(cli.run(from_half + "--labels 3").code == 0);
  CHECK(cli.read(origins[0]) == whole);
  REQUIRE(cli.run(from_half + "--labels 1").code == 0);
  CHECK(study_tables(cli, "a").at("summary") == before.at("summary"));
}

TEST_CASE("a signal keeps what is done and says how to go on") {
  for (const auto& [signal, code] : {std::pair{SIGINT, 130}, std::pair{SIGTERM, 143}}) {
    Cli cli;
    const std::string command =
        "study --model mlp --labels 5 --source random --steps 200 --seeds 200 --run a";
    const pid_t process = cli.start(command);
    for (int i = 0; i < 600; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
      if (cli.has("runs/a/results.sqlite") && cli.has("runs/a/env.json") &&
          number(cli, "a", "SELECT count(*) FROM results") > 0)
        break;
    }
    CHECK(kill(process, signal) == 0);
    const Outcome outcome = cli.wait(process);
    CHECK(outcome.code == code);
    CHECK(outcome.err.find("the same command goes on") != std::string::npos);
    CHECK(number(cli, "a", "SELECT count(*) FROM meta WHERE key='state' AND value='interrupted'") == 1);
    CHECK(number(cli, "a", "SELECT count(*) FROM results") > 0);
  }
}

TEST_CASE("the presets' sizes, and a forecast that does nothing") {
  Cli cli;
  const std::map<std::string, int> sizes{{"labels", 320},   {"depth", 190},    {"early", 160},
                                         {"families", 270}, {"adaptive", 420}, {"regularisers", 280}};
  for (const auto& preset : sizes) {
    const std::string& name = preset.first;
    const Outcome outcome = cli.run("study --dry-run --json --preset " + name);
    CAPTURE(name);
    REQUIRE(outcome.code == 0);
    const Json forecast = Json::parse(outcome.lines().at(0));
    CHECK(forecast.at("cells") == preset.second);
    CHECK(forecast.at("to_do") == preset.second);
    CHECK(forecast.at("work_seconds").get<double>() > 0);
    // Two minutes on two cores, as firn is built for use: sanitized kernels take many times as long.
    if (!kSanitized) CHECK(forecast.at("work_seconds").get<double>() < 4 * 240);
  }
  CHECK(cli.files().empty());
}

TEST_CASE("a grid from a file") {
  Cli cli;
  cli.write("grid.json", R"({"experiments": [
    {"name": "cuts", "claim": 1, "models": ["mlp"], "sources": ["half"], "labels": [1, "all"], "freeze": [0, 1],
     "seeds": 2, "steps": 5, "batch": 8, "source_epochs": 1},
    {"name": "late", "models": "mlp", "sources": "random", "labels": 1, "freeze": "1", "freeze_at": [0.2, 0.6],
     "seeds": 2, "steps": 5, "batch": 8}]})");
  const Outcome wrong = cli.run("study --grid grid.json");
  CHECK(wrong.code == 2);  // cuts are text, as on the command line
  CHECK(wrong.err.find("'freeze' is no text") != std::string::npos);
  cli.write("grid.json", R"({"experiments": [
    {"name": "cuts", "claim": 1, "models": ["mlp"], "sources": ["half"], "labels": [1, "all"], "freeze": ["0", "1"],
     "seeds": 2, "steps": 5, "batch": 8, "source_epochs": 1},
    {"name": "late", "models": "mlp", "sources": "random", "labels": 1, "freeze": "1", "freeze_at": [0.2, 0.6],
     "seeds": 2, "steps": 5, "batch": 8}]})");
  const Outcome outcome = cli.run("study --grid grid.json");
  INFO(outcome.err);
  REQUIRE(outcome.code == 0);
  CHECK(number(cli, "study-grid", "SELECT count(*) FROM members WHERE experiment='cuts'") == 2 * 3 * 2);
  CHECK(number(cli, "study-grid", "SELECT count(*) FROM members WHERE experiment='late'") == 3 * 2);
  CHECK(number(cli, "study-grid", "SELECT count(*) FROM verdicts") == 2);
  CHECK(number(cli, "study-grid",
               "SELECT count(*) FROM arms WHERE name='scratch, first 1 frozen from 60 % on'") == 1);
  // What was resolved is a grid file too.
  cli.write("again.json", cli.read("runs/study-grid/config.json"));
  const Outcome again = cli.run("study --grid again.json --run study-grid");
  CHECK(again.code == 0);
  CHECK(again.err.find("18 of 18 cells are there already") != std::string::npos);
}

void check_refused(Cli& cli, const std::string& arguments, int code, const std::string& words) {
  const Outcome outcome = cli.run(arguments);
  INFO(arguments << "\n" << outcome.err);
  CHECK(outcome.code == code);
  CHECK(outcome.err.find(words) != std::string::npos);
  CHECK(outcome.out.empty());
}

TEST_CASE("what is frozen in bf16: other cells of their own, full tuning the same numbers") {
  Cli cli;
  const std::string command = kTinyStudy + "--seeds 1 --source drawn --labels 3 --freeze 0,2 --run ";
  REQUIRE(cli.run(command + "whole").code == 0);
  REQUIRE(cli.run(command + "low --frozen-precision bf16").code == 0);
  const auto loss = [&](const std::string& run, const std::string& arm) {
    Database database(cli.path("runs/" + run + "/results.sqlite"), false);
    return rows(
        database,
        "SELECT loss FROM results JOIN cells USING (cell) JOIN arms USING (arm) WHERE name='" + arm + "'");
  };
  CHECK(!loss("whole", "full tuning").empty());
  CHECK(loss("low", "full tuning") == loss("whole", "full tuning"));
  CHECK(!loss("whole", "first 2 frozen").empty());
  CHECK(loss("low", "first 2 frozen") != loss("whole", "first 2 frozen"));
  const Json config = Json::parse(cli.read("runs/low/config.json"));
  CHECK(config.at("experiments").at(0).at("frozen_precision") == "bf16");
}

TEST_CASE("precision is an axis: each with a full tuning of its own, fp32's cells what they are without") {
  Cli cli;
  const std::string command = kTinyStudy + "--seeds 1 --source drawn --labels 3 --freeze 0,2 --run ";
  REQUIRE(cli.run(command + "whole").code == 0);
  REQUIRE(cli.run(command + "both --precision fp32,bf16").code == 0);
  const auto losses = [&](const std::string& run, const std::string& arms) {
    Database database(cli.path("runs/" + run + "/results.sqlite"), false);
    return rows(database,
                "SELECT cell,loss FROM results JOIN cells USING (cell) JOIN arms USING (arm) WHERE " + arms +
                    " ORDER BY cell");
  };
  CHECK(losses("both", "name NOT LIKE '%bf16'") == losses("whole", "1"));
  for (const std::string arm : {"full tuning", "first 2 frozen", "scratch"}) {
    const auto one = [&](const std::string& name) { return losses("both", "name='" + name + "'"); };
    CHECK(!one(arm + ", bf16").empty());
    CHECK(one(arm + ", bf16") != one(arm));
  }
  Database database(cli.path("runs/both/results.sqlite"), false);
  CHECK(rows(database,
             "SELECT a.name FROM arms a JOIN arms r ON r.arm=a.reference WHERE a.name LIKE '%bf16' "
             "AND r.name NOT LIKE '%bf16'")
            .empty());
}

TEST_CASE("what cannot be meant") {
  Cli cli;
  check_refused(cli, "study --precision bf61", 2, "did you mean bf16?");
  check_refused(cli, "study --precision bf16 --exact", 2, "--precision bf16 and --exact exclude each other");
  check_refused(cli, "study --preset label", 2, "did you mean labels?");
  check_refused(cli, "study --model cn", 2, "did you mean cnn?");
  check_refused(cli, "study --data digts", 2, "did you mean digits?");
  check_refused(cli, "study --source drwan", 2, "did you mean drawn?");
  check_refused(cli, "study --policy frezeout", 2, "did you mean freezeout?");
  check_refused(cli, "study --bn batches", 2, "did you mean batch?");
  check_refused(cli, "study --freeze conv9", 2, "did you mean conv");
  check_refused(cli, "study --freeze all", 2, "leaves nothing");
  check_refused(cli, "study --freeze-at 1.5", 2, "--freeze-at 1.5: want a number from 0 to 1");
  check_refused(cli, "study --labels 0", 2, "--labels 0: want a whole number from 1");
  check_refused(cli, "study --labels few", 2, "few");
  check_refused(cli, "study --seeds -1", 2, "--seeds -1: want a whole number from 1");
  check_refused(cli, "study --rate 0", 2, "--rate 0: want a number above 0");
  check_refused(cli, "study --frozen-precision bf16 --exact", 2, "exclude each other");
  check_refused(cli, "study --preset labels --grid x.json", 2, "exclude each other");
  check_refused(cli, "study --grid x.json", 3, "x.json");
  check_refused(cli, "study --weights none.safetensors --model cnn", 4, "none.safetensors");
  CHECK(cli.files().empty());
  for (const auto& [text, words, code] :
       {std::tuple{"{", "is no JSON", 3}, std::tuple{"[]", "is no object", 2},
        std::tuple{R"({"modles": []})", "did you mean models?", 2},
        std::tuple{R"({"seeds": 1.5})", "is no whole number", 2},
        std::tuple{R"({"seeds": -1})", "is no whole number", 2},
        std::tuple{R"({"seeds": 1e999})", "a number is too large", 2},
        std::tuple{R"({"seeds": 1, "seeds": 2})", "given twice", 2},
        std::tuple{R"({"experiments": []})", "at least one", 2},
        std::tuple{R"({"models": [[[[[[[["cnn"]]]]]]]]})", "nested", 2}}) {
    cli.write("g.json", text);
    check_refused(cli, "study --grid g.json", code, words);
  }
  cli.write("runs/a/results.sqlite", "this is no database, however long it is: " + std::string(2000, '.'));
  check_refused(cli, "study --run a", 3, "runs/a/results.sqlite");
}

}  // namespace
