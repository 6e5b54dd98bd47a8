// firn study as its users run it: killed and gone on with, changed, made again.
#include <doctest/doctest.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "engine/base/rng.h"
#include "tests/tools/cli_program.h"
#include "tools/report/plot.h"
#include "tools/study/sqlite.h"

namespace {

using firn::cli::Database;
using firn::cli::Statement;
using firn::test::Cli;
using firn::test::Outcome;
using Json = nlohmann::json;
namespace report = firn::cli::report;

/// Small enough for a second.
const std::string kTiny =
    "study --model mlp --steps 6 --batch 8 --source-epochs 1 --rate 1e-3,1e-2 --test-samples 100 ";
/// 2 sources, 2 label counts, 3 cuts, scratch and new weights with each cut.
const std::string kSmall = kTiny + "--seeds 2 --source half,drawn --labels 1,3 ";

/// The rows of a table but for what differs from run to run.
std::string rows(Database& database, const std::string& sql) {
  Statement statement(database, sql);
  std::string text;
  while (statement.next()) {
    for (int column = 0; column < statement.columns(); ++column) {
      char exact[40];
      std::snprintf(exact, sizeof exact, "%a", statement.number(column));
      text += (statement.is_real(column) ? exact : statement.text(column)) + "|";
    }
    text += "\n";
  }
  return text;
}

/// All that two runs of one command must agree on.
std::map<std::string, std::string> results(const Cli& cli, const std::string& run) {
  Database database(cli.path("runs/" + run + "/results.sqlite"), false);
  std::map<std::string, std::string> tables;
  for (const char* table :
       {"arms", "cells", "tuning", "curves", "confusion", "experiments", "members", "classes"})
    tables[table] = rows(database, std::string("SELECT * FROM ") + table);
  tables["mistakes"] =
      rows(database, "SELECT cell,place,sample,truth,predicted,confidence,hex(pixels) FROM mistakes");
  tables["origins"] = rows(database, "SELECT origin,model,source,seed,epochs,accuracy,loss FROM origins");
  tables["results"] = rows(database,
                           "SELECT cell,accuracy,macro_f1,ece,loss,train_loss,rate,steps,train_samples,"
                           "test_samples,trained_share,macs_forward,macs_input,macs_weight,bytes_predicted,"
                           "state_bytes FROM results");
  tables["summary"] =
      rows(database, "SELECT * FROM summary WHERE metric NOT IN ('seconds','predicted_seconds')");
  tables["verdicts"] = rows(database, "SELECT * FROM verdicts");
  tables["evidence"] = rows(database, "SELECT * FROM evidence WHERE metric NOT IN ('seconds')");
  return tables;
}

void check_same(const std::map<std::string, std::string>& a, const std::map<std::string, std::string>& b) {
  for (const auto& table : a) {
    INFO(table.first);
    const bool same = table.second == b.at(table.first);  // a difference is too long to be shown
    CHECK(same);
  }
}

std::int64_t number(const Cli& cli, const std::string& run, const std::string& sql) {
  Database database(cli.path("runs/" + run + "/results.sqlite"), false);
  Statement statement(database, sql);
  REQUIRE(statement.next());
  return statement.whole(0);
}

TEST_CASE("killed at any moment, the same command goes on to the same tables, on any number of threads") {
  Cli cli;
  const Outcome whole = cli.run(kSmall + "--run whole --threads 2");
  INFO(whole.err);
  REQUIRE(whole.code == 0);
  firn::Random random(11, "kills");
  int kills = 0;
  for (int attempt = 0; attempt < 10; ++attempt) {
    const pid_t process = cli.start(kSmall + "--run killed --threads " + std::to_string(1 + attempt % 3));
    std::this_thread::sleep_for(std::chrono::milliseconds(20 + random.below(200)));
    kill(process, SIGKILL);
    kills += cli.wait(process).code == 128 + SIGKILL ? 1 : 0;
  }
  CHECK(kills > 0);
  const Outcome last = cli.run(kSmall + "--run killed --threads 1");
  INFO(last.err);
  REQUIRE(last.code == 0);
  const auto tables = results(cli, "whole");
  for (const auto& table : tables) {
    INFO(table.first);
    CHECK_FALSE(table.second.empty());
  }
  check_same(tables, results(cli, "killed"));
  CHECK(number(cli, "killed", "SELECT count(*) FROM meta WHERE key='state' AND value='complete'") == 1);
}

TEST_CASE("a changed grid does the new cells alone, and what is there is never made again") {
  Cli cli;
  REQUIRE(cli.run(kSmall + "--run a").code == 0);
  const std::int64_t cells = number(cli, "a", "SELECT count(*) FROM cells");
  // Of each part of the classes, for two label counts: three cuts and scratch, three cuts of new weights
  // besides; two seeds.
  CHECK(cells == 2 * 2 * (3 + 1 + 2) * 2);
  const auto before = results(cli, "a");
  const Outcome again = cli.run(kSmall + "--run a");
  CHECK(again.code == 0);
  CHECK(again.err.find("48 of 48 cells are there already") != std::string::npos);
  check_same(before, results(cli, "a"));

  const Outcome more = cli.run(kTiny + "--seeds 2 --source half,drawn --labels 1,2 --run a");
  CHECK(more.code == 0);
  CHECK(more.err.find("24 of 48 cells are there already") != std::string::npos);
  CHECK(number(cli, "a", "SELECT count(*) FROM cells") == 72);
  // What is shown is the last grid's.
  CHECK(number(cli, "a", "SELECT count(*) FROM members") == 48);
  CHECK(number(cli, "a",
               "SELECT count(DISTINCT labels) FROM arms JOIN cells USING (arm) JOIN members USING (cell)") ==
        2);
  // Another folder, two cells alone, in another order: the same numbers.
  REQUIRE(cli.run(kTiny + "--run b --labels 3 --source half --freeze 1 --seeds 1").code == 0);
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
  REQUIRE(cli.run(kTiny + "--run a --seeds 1 --source half --labels 3").code == 0);
  const std::string of = "SELECT count(*) FROM costs JOIN arms USING (arm) WHERE ";
  CHECK(number(cli, "a", of + "frozen_blocks>0") == 4);
  CHECK(number(cli, "a", of + "frozen_blocks>0 AND step_kept_ms>0") == 4);
  CHECK(number(cli, "a", of + "frozen_blocks=0 AND step_kept_ms IS NULL") == 2);
}

TEST_CASE("every number that is printed stands in the file") {
  Cli cli;
  const Outcome outcome = cli.run(kSmall + "--run a --json");
  REQUIRE(outcome.code == 0);
  Database database(cli.path("runs/a/results.sqlite"), false);
  Statement summary(database,
                    "SELECT mean,low,high,difference FROM summary WHERE arm=? AND metric='accuracy'");
  int arms = 0, answers = 0, verdicts = 0;
  for (const std::string& line : outcome.lines()) {
    const Json json = Json::parse(line);
    answers += json.at("kind") == "study_answer" ? 1 : 0;
    verdicts += json.at("kind") == "study_verdict" ? 1 : 0;
    if (json.at("kind") != "study_row") continue;
    ++arms;
    summary << json.at("key").get<std::string>();
    REQUIRE(summary.next());
    CHECK(json.at("accuracy_mean").get<double>() == doctest::Approx(summary.number(0)).epsilon(1e-9));
    CHECK(json.at("accuracy_low").get<double>() == doctest::Approx(summary.number(1)).epsilon(1e-9));
    CHECK(json.at("accuracy_high").get<double>() == doctest::Approx(summary.number(2)).epsilon(1e-9));
    CHECK(json.contains("difference") == !summary.is_null(3));
    CHECK_FALSE(summary.next());
  }
  CHECK(arms == 24);
  CHECK(answers == 4);
  CHECK(verdicts == 4);
  CHECK(rows(database, "SELECT text FROM answers").find("full tuning") != std::string::npos);
  CHECK(cli.read("runs/a/results.csv").find("labels,mlp,3,half,digits,second half,1,full tuning") !=
        std::string::npos);
}

/// The cells of each row of the tables of a page with this caption, without markup.
std::vector<std::vector<std::string>> table_rows(const std::string& page, const std::string& caption) {
  const std::regex table("<table>[\\s\\S]*?</table>"), row("<tr>[\\s\\S]*?</tr>"),
      cell("<t[hd][^>]*>([\\s\\S]*?)</t[hd]>"), mark("<[^>]*>");
  std::vector<std::vector<std::string>> all;
  for (std::sregex_iterator t(page.begin(), page.end(), table), end; t != end; ++t) {
    const std::string text = t->str();
    if (text.find("<caption>" + caption) == std::string::npos) continue;
    for (std::sregex_iterator r(text.begin(), text.end(), row); r != end; ++r) {
      const std::string line = r->str();
      all.emplace_back();
      for (std::sregex_iterator c(line.begin(), line.end(), cell); c != end; ++c)
        all.back().push_back(std::regex_replace((*c)[1].str(), mark, ""));
    }
  }
  return all;
}

/// One number of a study of one source.
struct Numbers {
  Database database;
  /// `what` of the summary or the costs of the arm of this name.
  double metric(const std::string& labels, const std::string& name, const std::string& of,
                const std::string& what = "mean") {
    return value("SELECT " + what +
                 " FROM arms JOIN summary USING (arm) LEFT JOIN costs USING (arm) WHERE labels=" + labels +
                 " AND name='" + name + "' AND metric='" + of + "'");
  }
  double value(const std::string& query) {
    CAPTURE(query);
    Statement statement(database, query);
    REQUIRE(statement.next());
    REQUIRE_FALSE(statement.is_null(0));
    return statement.number(0);
  }
};

std::string formatted(const char* form, double number) {
  char buffer[40];
  std::snprintf(buffer, sizeof buffer, form, number);
  return buffer;
}

TEST_CASE("every number of the page's tables stands in the file, at the arm that it is said of") {
  Cli cli;
  REQUIRE(cli.run(kTiny + "--run a --seeds 2 --source half --labels 1,3").code == 0);
  const std::string page = cli.read("runs/a/report.html");
  Numbers numbers{Database(cli.path("runs/a/results.sqlite"), false)};
  int rows_seen = 0;
  for (const auto& row : table_rows(page, "mlp, half to digits")) {
    if (row.at(0) == "labels") continue;
    ++rows_seen;
    CAPTURE(row.at(1));
    const auto of = [&](const char* form, const std::string& name, const std::string& what,
                        double scale = 1) {
      return formatted(form, scale * numbers.metric(row.at(0), row.at(1), name, what));
    };
    CHECK(row.at(2) == of("%.0f", "accuracy", "seeds"));
    CHECK(row.at(3) == of("%.1f", "accuracy", "mean", 100) + " % (" + of("%.1f", "accuracy", "low", 100) +
                           " to " + of("%.1f", "accuracy", "high", 100) + ")");
    if (row.at(4) != "–") {
      CHECK(row.at(4) == of("%+.1f", "accuracy", "difference", 100) + " (" +
                             of("%+.1f", "accuracy", "difference_low", 100) + " to " +
                             of("%+.1f", "accuracy", "difference_high", 100) + ")");
    }
    CHECK(row.at(6) == of("%.3f", "macro_f1", "mean"));
    CHECK(row.at(7) == of("%.3f", "ece", "mean"));
    CHECK(row.at(8) == report::duration_text(numbers.metric(row.at(0), row.at(1), "seconds", "mean")));
    CHECK(row.at(9) ==
          report::duration_text(numbers.metric(row.at(0), row.at(1), "predicted_seconds", "mean")));
  }
  CHECK(rows_seen == 12);
  int costs = 0;
  std::set<std::string> cost_names;
  for (const auto& row : table_rows(page, "Milliseconds of a step")) {
    if (row.at(0) == "model") continue;
    ++costs;
    // Arms with other labels have the same program, and one row together.
    CHECK(cost_names.insert(row.at(1)).second);
    bool found = false;
    for (const char* labels : {"1", "3"}) {
      const auto of = [&](const char* form, const std::string& what) {
        return formatted(form, numbers.metric(labels, row.at(1), "accuracy", what));
      };
      const std::string kept = of("%.4g", "ifnull(step_kept_ms,0)");
      found = found ||
              (row.at(2) == of("%.4g", "step_predicted_ms") && row.at(3) == of("%.4g", "step_ms") &&
               row.at(5) == (kept == "0" ? "" : kept) && row.at(6) == of("%.2f", "arena_bytes/1048576.0") &&
               row.at(7) == of("%.2f", "state_bytes/1048576.0"));
    }
    CHECK(found);
  }
  CHECK(costs > 5);
}

TEST_CASE("the tables under the charts show the file's numbers") {
  Cli cli;
  REQUIRE(cli.run(kTiny + "--run a --seeds 2 --source half --labels 1,3").code == 0);
  const std::string page = cli.read("runs/a/report.html");
  Numbers numbers{Database(cli.path("runs/a/results.sqlite"), false)};
  const std::vector<std::string> labels = {"1", "3"};
  const auto percent = [](double share) { return formatted("%.1f %%", 100 * share); };

  const auto by_cut = table_rows(page, "Mean accuracy by labels and frozen blocks");
  REQUIRE(by_cut.size() == 1 + labels.size());
  REQUIRE(by_cut[0].size() >= 3);
  for (std::size_t r = 1; r < by_cut.size(); ++r) {
    CHECK(by_cut[r].at(0) == labels[r - 1]);
    REQUIRE(by_cut[r].size() == by_cut[0].size());
    for (std::size_t c = 1; c < by_cut[r].size(); ++c) {
      const std::string name = by_cut[0][c] == "0" ? "full tuning" : "first " + by_cut[0][c] + " frozen";
      CHECK(by_cut[r][c] == percent(numbers.metric(labels[r - 1], name, "accuracy")));
    }
  }

  // One table a number of labels, ascending; each begins with its heads.
  std::size_t tables = 0, differences = 0;
  for (const auto& row : table_rows(page, "Paired differences of accuracy in points")) {
    if (row.at(0) == "arm") {
      ++tables;
      continue;
    }
    ++differences;
    const auto points = [&](const std::string& what) {
      return formatted("%+.1f", 100 * numbers.metric(labels.at(tables - 1), row.at(0), "accuracy", what));
    };
    CHECK(row.at(1) == points("difference"));
    CHECK(row.at(2) == points("difference_low"));
    CHECK(row.at(3) == points("difference_high"));
  }
  CHECK(tables == labels.size());
  CHECK(differences ==
        static_cast<std::size_t>(numbers.value(
            "SELECT count(*) FROM summary WHERE metric='accuracy' AND difference IS NOT NULL")));

  std::size_t fronts = 0, times = 0;
  for (const auto& row : table_rows(page, "Time and accuracy")) {
    if (row.at(0) == "arm") {
      ++fronts;
      continue;
    }
    ++times;
    CHECK(row.at(1) == report::duration_text(numbers.metric(labels.at(fronts - 1), row.at(0), "seconds")));
    CHECK(row.at(2) == percent(numbers.metric(labels.at(fronts - 1), row.at(0), "accuracy")));
  }
  CHECK(fronts == labels.size());
  CHECK(times ==
        static_cast<std::size_t>(numbers.value("SELECT count(*) FROM summary WHERE metric='seconds'")));

  const auto steps = table_rows(page, "Mean accuracy by step");
  REQUIRE(steps.size() >= 2);
  REQUIRE(steps[0].size() >= 3);
  for (std::size_t r = 1; r < steps.size(); ++r) {
    for (std::size_t c = 1; c < steps[0].size(); ++c) {
      CHECK(steps[r].at(c) ==
            percent(numbers.value("SELECT avg(accuracy) FROM curves JOIN cells USING (cell) JOIN arms USING "
                                  "(arm) WHERE labels=1 AND name='" +
                                  steps[0][c] + "' AND step=" + steps[r].at(0))));
    }
  }

  const auto counts = table_rows(page, "Counts");
  REQUIRE(counts.size() >= 3);
  for (std::size_t t = 1; t < counts.size(); ++t) {
    REQUIRE(counts[t].size() == counts.size());
    CHECK(counts[t][0] == counts[0][t]);
    for (std::size_t p = 1; p < counts.size(); ++p) {
      CHECK(counts[t][p] ==
            formatted("%.0f",
                      numbers.value("SELECT ifnull(sum(count),0) FROM confusion JOIN cells USING "
                                    "(cell) WHERE arm=(SELECT arm FROM answers ORDER BY position "
                                    "LIMIT 1) AND truth=" +
                                    std::to_string(t - 1) + " AND predicted=" + std::to_string(p - 1))));
    }
  }
}

TEST_CASE("a source's weights are kept, and made again where they are lost or damaged") {
  Cli cli;
  const std::string from_half = kTiny + "--run a --seeds 2 --source half ";
  REQUIRE(cli.run(from_half + "--labels 1").code == 0);
  const auto before = results(cli, "a");
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
  CHECK(results(cli, "a").at("summary") == before.at("summary"));
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
  const std::map<std::string, int> sizes{{"labels", 320},   {"depth", 145},    {"early", 160},
                                         {"families", 270}, {"adaptive", 240}, {"regularisers", 280}};
  for (const auto& preset : sizes) {
    const std::string& name = preset.first;
    const Outcome outcome = cli.run("study --dry-run --json --preset " + name);
    CAPTURE(name);
    REQUIRE(outcome.code == 0);
    const Json forecast = Json::parse(outcome.lines().at(0));
    CHECK(forecast.at("cells") == preset.second);
    CHECK(forecast.at("to_do") == preset.second);
    CHECK(forecast.at("work_seconds").get<double>() > 0);
    // Two minutes on two cores.
    CHECK(forecast.at("work_seconds").get<double>() < 4 * 240);
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
  const std::string command = kTiny + "--seeds 1 --source drawn --labels 3 --freeze 0,2 --run ";
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

TEST_CASE("what cannot be meant") {
  Cli cli;
  check_refused(cli, "study --preset label", 2, "did you mean labels?");
  check_refused(cli, "study --model cn", 2, "did you mean cnn?");
  check_refused(cli, "study --data digts", 2, "did you mean digits?");
  check_refused(cli, "study --source drwan", 2, "did you mean drawn?");
  check_refused(cli, "study --policy frezeout", 2, "did you mean freezeout?");
  check_refused(cli, "study --bn batches", 2, "did you mean batch?");
  check_refused(cli, "study --freeze conv9", 2, "did you mean conv");
  check_refused(cli, "study --freeze all", 2, "leaves nothing");
  check_refused(cli, "study --freeze-at 1.5", 2, "no share from 0 to 1");
  check_refused(cli, "study --labels 0", 2, "0 is not positive");
  check_refused(cli, "study --labels few", 2, "few");
  check_refused(cli, "study --seeds -1", 2, "-1 is not positive");
  check_refused(cli, "study --rate 0", 2, "rate 0 is not positive");
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
