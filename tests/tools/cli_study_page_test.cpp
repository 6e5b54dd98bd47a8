// What firn study prints and draws, number by number against its file.
#include <doctest/doctest.h>

#include <cstdio>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tests/tools/cli_study_run.h"
#include "tools/app/report/plot.h"

namespace {

using firn::cli::Database;
using firn::cli::Statement;
using firn::test::Cli;
using firn::test::kPicturedStudy;
using firn::test::kSmallStudy;
using firn::test::kTinyStudy;
using firn::test::Outcome;
using firn::test::rows;
using Json = nlohmann::json;
namespace report = firn::cli::report;

TEST_CASE("every number that is printed stands in the file") {
  Cli cli;
  const Outcome outcome = cli.run(kSmallStudy + "--run a --json");
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
  CHECK(rows(database, "SELECT text FROM answers WHERE text LIKE 'mlp on digits%, 3 labels a class: %'")
            .find("told from it") != std::string::npos);
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

TEST_CASE(
    "the trainings of the answer are looked into: the same trainings, what is frozen stays, and ends meet") {
  Cli cli;
  REQUIRE(cli.run(kPicturedStudy + "--policy freezeout --run a").code == 0);
  Database database(cli.path("runs/a/results.sqlite"), false);
  struct Seen {
    std::string cell, name;
    Json content;
  };
  std::vector<Seen> seen;
  std::vector<std::pair<std::string, Json>> ways;  // by where they lead
  Statement pictures(
      database,
      "SELECT pictures.cell,name,ifnull(other,''),content FROM pictures JOIN cells USING (cell) "
      "JOIN arms USING (arm) ORDER BY position");
  while (pictures.next()) {
    if (pictures.text(2).empty()) {
      seen.push_back({pictures.text(0), pictures.text(1), Json::parse(pictures.text(3))});
    } else {
      CHECK(pictures.text(0) == seen.front().cell);
      ways.emplace_back(pictures.text(2), Json::parse(pictures.text(3)));
    }
  }
  REQUIRE(seen.size() == 3);  // full tuning, a cut, a policy
  CHECK(seen[0].name == "full tuning");
  CHECK(seen[2].name == "policy freezeout");
  REQUIRE(ways.size() == 2);
  const auto loss_at = [](const Json& way, double place) {
    const std::vector<double> places = way.at("places"), losses = way.at("train");
    for (std::size_t i = 0; i < places.size(); ++i)
      if (places[i] == place) return losses[i];
    return -1.0;
  };
  for (const Seen& one : seen) {
    CAPTURE(one.name);
    const Json& content = one.content;
    Statement curve(database, "SELECT step,loss,accuracy FROM curves WHERE cell=? ORDER BY step");
    curve << one.cell;
    std::size_t points = 0;
    while (curve.next()) {
      const Json& point = content.at("curve").at(points++);
      CHECK(point.at("step") == curve.whole(0));
      CHECK(point.at("loss").get<double>() == curve.number(1));
      CHECK(point.at("score").get<double>() == curve.number(2));
    }
    CHECK(points > 0);
    const Json& last = content.at("movement").back().at("blocks");
    CHECK(content.at("movement").back().at("step") == content.at("steps"));
    std::set<std::size_t> whole;
    for (const Json& stretch : content.at("frozen")) {
      if (stretch.at("from") == 0 && stretch.at("to") == content.at("steps"))
        whole.insert(stretch.at("block").get<std::size_t>());
    }
    for (std::size_t block = 0; block < last.size(); ++block) {
      if (last[block].is_null()) continue;  // a head begins from zero: nothing to measure by
      CHECK((last[block].get<double>() == 0) == whole.contains(block));
    }
    const bool full = one.name == "full tuning", policy = one.name == "policy freezeout";
    CHECK(content.at("frozen").empty() == full);
    CHECK((policy || whole.empty() == full));
    // Where the line between two solutions ends they are.
    const double end = loss_at(content.at("effect").at("line"), 1);
    for (const auto& [to, way] : ways) {
      if (full) CHECK(loss_at(way, 0) == end);
      if (to == one.cell) CHECK(loss_at(way, 1) == end);
    }
  }
  const std::string page = cli.read("runs/a/report.html");
  for (const char* part : {"What freezing did inside", "The loss between full tuning and",
                           "How far each block moved: policy freezeout", "frozen in policy freezeout",
                           "What a linear classifier can tell behind each block",
                           "The first filters, before and after", "How to read it"}) {
    CAPTURE(part);
    CHECK(page.find(part) != std::string::npos);
  }
  // Nothing is done again, and without pictures there is no such section.
  const std::string before = rows(database, "SELECT * FROM pictures");
  REQUIRE(cli.run(kPicturedStudy + "--policy freezeout --run a").code == 0);
  CHECK(rows(database, "SELECT * FROM pictures") == before);
  REQUIRE(cli.run(kTinyStudy + "--seeds 1 --source half --labels 1 --run b").code == 0);
  CHECK(cli.read("runs/b/report.html").find("What freezing did inside") == std::string::npos);
  // What somebody else has written is refused where it does not fit.
  database.run(
      "UPDATE pictures SET content='{\"steps\":6,\"blocks\":[\"a\"],\"movement\":[{\"blocks\":[]}]}' "
      "WHERE position=0");
  CHECK(cli.run("report runs/a").code == 3);
}

TEST_CASE("every number of the page's tables stands in the file, at the arm that it is said of") {
  Cli cli;
  REQUIRE(cli.run(kTinyStudy + "--run a --seeds 2 --source half --labels 1,3").code == 0);
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
  REQUIRE(cli.run(kTinyStudy + "--run a --seeds 2 --source half --labels 1,3").code == 0);
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

}  // namespace
