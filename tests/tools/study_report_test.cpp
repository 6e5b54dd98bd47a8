// A study's page is made from results.sqlite alone: one with known numbers, written here.
#include <doctest/doctest.h>
#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "engine/base/error.h"
#include "tests/folder.h"
#include "tools/app/report/cut_explorer.h"
#include "tools/app/report/study_charts.h"
#include "tools/app/report/study_page.h"
#include "tools/app/report/study_record.h"
#include "tools/app/study/store.h"

namespace firn::cli::report {

namespace {

constexpr Index kBlocks = 3, kSeeds = 2;

firn::cli::Arm arm_of(const std::string& source, Index labels, const std::string& freeze,
                      std::string policy = {}) {
  firn::cli::Arm arm;
  arm.model = "mlp";
  arm.source = source;
  arm.target = "digits";
  arm.labels = labels;
  arm.freeze = freeze;
  arm.policy = std::move(policy);
  arm.blocks = kBlocks;
  return arm;
}

double accuracy_of(Index labels, std::size_t which) {
  return 0.5 + 0.01 * static_cast<double>(labels) + 0.013 * static_cast<double>(which);
}

CellResult result_of(double accuracy, std::uint64_t seed) {
  CellResult r;
  r.accuracy = accuracy;
  r.steps = 20;
  r.seconds = 1.25;
  r.curve = {{10, 1.5, accuracy - 0.2}, {20, 1.1, accuracy}};
  r.classes = 2;
  r.confusion = {30, 5, static_cast<Index>(seed), 20};
  r.mistakes = {{7, 0, 1, 0.83, 2, 2, 1, {0, 255, 128, 64}, ""}, {9, 1, 0, 0.61, 0, 0, 0, {}, "<ann>"}};
  return r;
}

std::size_t count(const std::string& text, const std::string& word) {
  std::size_t times = 0;
  for (std::size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) ++times;
  return times;
}

/// Six arms for two numbers of labels, two seeds each; returns the folder's path.
std::string make_study(const std::string& folder) {
  Store store(folder + "/results.sqlite", "abc");
  Database& db = store.database();
  std::vector<std::string> keys;
  for (const Index labels : {5, 20}) {
    const std::vector<firn::cli::Arm> arms = {arm_of("random", labels, "0"),
                                              arm_of("half", labels, "0"),
                                              arm_of("half", labels, "1"),
                                              arm_of("half", labels, "2"),
                                              arm_of("half", labels, "0", "freezeout"),
                                              arm_of("random", labels, "1")};
    for (std::size_t i = 0; i < arms.size(); ++i) {
      const firn::cli::Arm& arm = arms[i];
      store.add_arm(arm);
      store.add_cost(arm.key(), {.step_ms = 2 + static_cast<double>(i), .step_predicted_ms = 2.1});
      keys.push_back(arm.key());
      const double mean = accuracy_of(labels, i);
      for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
        const Cell cell{cell_key(arm, seed), 0, seed, ""};
        store.add_cell(cell, arm, result_of(mean, seed));
        db.run(fmt::format("INSERT INTO members VALUES ('labels','{}')", cell.key));
      }
      const std::string difference = i == 0 ? "NULL,NULL,NULL,NULL" : "0.021,0.011,0.034,'better'";
      db.run(fmt::format("INSERT INTO summary VALUES ('{}','accuracy',2,{},0.01,{},{},{})", arm.key(), mean,
                         mean - 0.017, mean + 0.019, difference));
      db.run(fmt::format("INSERT INTO summary VALUES ('{}','seconds',2,{},0,0,0,NULL,NULL,NULL,NULL)",
                         arm.key(), 3.5 - 0.4 * static_cast<double>(i)));
    }
  }
  db.run("INSERT INTO experiments VALUES ('labels',1,'Few labels & many','Which cut is best?',0)");
  db.run("INSERT INTO classes VALUES ('digits','all',0,'zero'),('digits','all',1,'one')");
  db.run(
      fmt::format("INSERT INTO answers VALUES (0,'mlp','half','digits','all',5,'{}','{}','freeze 2: 57.6 %')",
                  keys[2], keys[1]));
  db.run(
      "INSERT INTO verdicts VALUES (1,'labels',1,'freezing helps with few labels','mlp','half','digits',"
      "'supported','it does.')");
  db.run(fmt::format(
      "INSERT INTO evidence VALUES (1,0,'cut 1 at 5 labels','{}','{}','accuracy',2,0.021,0.011,0.034)",
      keys[2], keys[1]));
  db.run(fmt::format("INSERT INTO evidence VALUES (1,1,'its time','{}','{}','seconds',2,-1.5,-1.75,-1.25)",
                     keys[2], keys[1]));
  store.set_meta("headline", "freeze 2: 57.6 %");
  store.set_meta("command", "firn study --preset labels");
  return folder;
}

}  // namespace

TEST_CASE("many verdicts stand in a table first: a row a claim, a column a source, of each target one") {
  const test::Folder folder;
  StudyRecord study = read_study(make_study(folder.path()));
  study.verdicts = {{"labels", "it helps", "mlp", "drawn", "digits", "supported", "yes", 1, 1, 0, {}},
                    {"labels", "it helps", "mlp", "half", "digits", "contradicted", "no", 1, 1, 0, {}},
                    {"labels", "it loses", "mlp", "half", "digits", "undecided", "who knows", 1, 1, 0, {}},
                    {"labels", "it loses", "mlp", "half", "letters", "supported", "yes", 1, 1, 0, {}},
                    {"labels", "it loses", "cnn", "half", "digits", "supported", "yes", 1, 1, 0, {}}};
  const std::string html = study_page(study).html;
  const std::string table =
      html.substr(html.find("Verdicts by source"),
                  html.find("</table>", html.find("Verdicts by source")) - html.find("Verdicts by source"));
  CHECK(table.find("it helps (mlp)</th><td class=\"left good\">supported</td><td class=\"left "
                   "bad\">contradicted</td>") != std::string::npos);
  CHECK(table.find("it loses (mlp)</th><td class=\"left\"></td><td class=\"left open\">undecided</td>") !=
        std::string::npos);
  CHECK(table.find("it loses (mlp)</th><td class=\"left\"></td><td class=\"left good\">supported</td>") !=
        std::string::npos);
  CHECK(table.find("it loses (cnn)</th>") != std::string::npos);
  study.verdicts.resize(4);
  CHECK(study_page(study).html.find("Verdicts by source") == std::string::npos);
}

TEST_CASE("a study is read back as it was written") {
  const test::Folder folder;
  const StudyRecord study = read_study(make_study(folder.path()));
  CHECK(study.arms.size() == 12);
  CHECK(study.cells == 24);
  CHECK(study.cells_done == 24);
  REQUIRE(study.experiments.size() == 1);
  CHECK(study.experiments[0].arms.size() == 12);
  const auto groups = groups_of(study, study.experiments[0]);
  REQUIRE(groups.size() == 1);
  CHECK(groups[0].source == "half");
  CHECK(groups[0].arms.size() == 12);
  CHECK(groups[0].labels == std::vector<Index>{5, 20});
  const auto* full = study.find(study.answers[0].reference);
  REQUIRE(full != nullptr);
  CHECK(study.find(full->key, "accuracy")->mean == accuracy_of(5, 1));
  CHECK(study.curves.at(full->key).size() == kSeeds);
  const Confusion confusion = read_confusion(study.path, *full);
  CHECK(confusion.classes == std::vector<std::string>{"zero", "one"});
  CHECK(confusion.counts == std::vector<Index>{60, 10, 3, 40});
  const auto mistakes = read_mistakes(study.path, *full, 1);
  REQUIRE(mistakes.size() == 1);
  CHECK(mistakes[0].truth == "zero");
  CHECK(mistakes[0].pixels == std::vector<std::uint8_t>{0, 255, 128, 64});
}

TEST_CASE("labels are counted by class or in all, by what each target's answers are") {
  const test::Folder folder;
  {
    const std::string made = make_study(folder.path());
    Database db(made + "/results.sqlite", false);
    db.run("UPDATE arms SET target='text:darwin.txt' WHERE labels=20");
    db.run(
        "INSERT OR REPLACE INTO items (cell,kind,count,scores,answers) SELECT "
        "cell,iif(target='digits','classes','steps'),0,"
        "x'',x'' FROM cells JOIN arms USING (arm)");
  }
  const StudyRecord study = read_study(folder.path());
  CHECK(study.labels_by_class("digits"));
  CHECK(!study.labels_by_class("text:darwin.txt"));
  const std::string page = study_page(study).html;
  CHECK(page.find("20 labelled samples") != std::string::npos);
  CHECK(page.find("20 labels a class") == std::string::npos);
  CHECK(page.find("5 labels a class") != std::string::npos);
}

TEST_CASE("the page answers first, then shows all at one look, and the rest is folded") {
  const test::Folder folder;
  const StudyPage page = study_page(read_study(make_study(folder.path())));
  const auto at = [&](const std::string& text) { return page.html.find(text); };
  CHECK(at("<p class=\"choice\">Freeze 2</p><p class=\"result\">57.6 %</p>") < at("<section"));
  CHECK(at("id=\"overview\"") < at("id=\"move\""));
  CHECK(at("id=\"unknown\"") < at("id=\"claims\""));
  // One panel a number of labels, and what is drawn beyond these is folded.
  const std::string shown = page.html.substr(0, at("id=\"detail\""));
  CHECK(count(shown, "<svg class=\"chart\"") == 2 + 5 + 1);  // panels, signs of the legend, the program
  CHECK(at("<details class=\"fold\"><summary>Few labels &amp; many: mlp, half to digits") !=
        std::string::npos);
  CHECK(at("supported") != std::string::npos);
  CHECK(at("cut 1 at 5 labels: +2.1 points (+1.1 to +3.4, 2 seeds)") != std::string::npos);
  CHECK(at("its time: -1.5 s (-1.75 s to -1.25 s, 2 seeds)") != std::string::npos);
  CHECK(at("Few labels &amp; many") != std::string::npos);
  CHECK(at("&lt;ann&gt;") != std::string::npos);
  // The page's own script, and the numbers that it shows.
  CHECK(count(page.html, "<script") == 2);
  CHECK(at("src=\"http") == std::string::npos);
  CHECK(at("<script src") == std::string::npos);
  CHECK(at("NaN") == std::string::npos);
  CHECK(at("nan") == std::string::npos);
  std::vector<std::string> names;
  for (const auto& chart : page.charts) names.push_back(chart.name);
  const std::string group = "mlp-half-to-digits";
  CHECK(names == std::vector<std::string>{
                     "program.svg", "labels-cuts-" + group + ".svg", "labels-differences-" + group + "-5.svg",
                     "labels-differences-" + group + "-20.svg", "labels-pareto-" + group + "-5.svg",
                     "labels-pareto-" + group + "-20.svg", "labels-curves-" + group + ".svg", "costs.svg"});
  // 5 labels, one block frozen: the mean and its interval.
  CHECK(at("57.6 % (55.9 to 59.5)") != std::string::npos);
}

TEST_CASE(
    "networks that are texts have short names, each another, and their charts files that may be written") {
  const test::Folder folder;
  make_study(folder.path());
  {
    Store store(folder.path() + "/results.sqlite", "abc");
    std::string text = "[a] conv 8 3x3, relu, pool 2";
    for (int i = 0; i < 60; ++i) text += ", conv 8 3x3, relu";
    for (const Index labels : {5, 20})
      store.database().run(
          fmt::format("UPDATE arms SET model='{}, dense {}' WHERE labels={}", text, labels, labels));
  }
  const StudyRecord study = read_study(folder.path());
  std::set<std::string> models, names;
  for (const StudyRecord::Arm& arm : study.arms) models.insert(arm.model);
  CHECK(models.size() == 2);
  for (const std::string& model : models) {
    CHECK(model.starts_with("[a] conv 8 3x3, relu, pool 2, "));
    CHECK(model.size() < 60);
  }
  for (const auto& chart : study_page(study).charts) {
    CHECK(chart.name.size() < 150);
    CHECK_MESSAGE(names.insert(chart.name).second, chart.name);
  }
  CHECK(names.size() > 8);
}

TEST_CASE("the slider has each cut of each number of labels, with the file's numbers") {
  const test::Folder folder;
  StudyRecord study = read_study(make_study(folder.path()));
  for (StudyRecord::Arm& arm : study.arms) arm.model = "</script><b>";
  const CutExplorer explorer = cut_explorer(study);
  const std::string open = "<script type=\"application/json\" id=\"cuts\">";
  const std::size_t begin = explorer.html.find(open) + open.size();
  const std::string text = explorer.html.substr(begin, explorer.html.find("</script>", begin) - begin);
  CHECK(explorer.html.find("</script>", begin) + 10 == explorer.html.size());
  CHECK(explorer.html.find("<b>") == std::string::npos);
  const nlohmann::json settings = nlohmann::json::parse(text);
  REQUIRE(settings.size() == 2);
  for (std::size_t s = 0; s < 2; ++s) {
    const auto& cuts = settings[s].at("cuts");
    REQUIRE(cuts.size() == 3);
    for (std::size_t k = 0; k < 3; ++k) {
      CHECK(cuts[k].at("frozen") == k);
      const double mean = accuracy_of(s == 0 ? 5 : 20, k + 1);
      CHECK(cuts[k].at("words")[0] == fmt::format("{:.1f} % ({:.1f} to {:.1f})", 100 * mean,
                                                  100 * (mean - 0.017), 100 * (mean + 0.019)));
      CHECK(cuts[k].at("words")[1] == "+2.1 points (+1.1 to +3.4), better");
      CHECK(cuts[k].at("words")[3] == fmt::format("{} ms", 3 + k));
      // The longest bar is the setting's greatest value.
      CHECK(cuts[k].at("shares")[0].get<double>() ==
            doctest::Approx(mean / accuracy_of(s == 0 ? 5 : 20, 3)).epsilon(1e-3));
    }
  }
  CHECK(explorer.numbers.rows.size() == 6);
  study.arms.resize(1);
  CHECK(cut_explorer(study).html.empty());
}

TEST_CASE("costs have a row for each model and cut, and name the source where there are several") {
  const test::Folder folder;
  const std::string path = make_study(folder.path());
  const auto rows_of = [&] {
    std::vector<std::string> names;
    const std::vector<Figure> figures = cost_figures(read_study(path));
    for (const auto& row : figures.at(0).numbers.rows) {
      names.push_back(row.at(0) + ", " + row.at(1));
    }
    return names;
  };
  // Of 12 arms half differ in the labels alone.
  const std::vector<std::string> once = rows_of();
  CHECK(once.size() == 6);
  CHECK(std::set<std::string>(once.begin(), once.end()).size() == once.size());
  {
    Store store(path + "/results.sqlite", "abc");
    const firn::cli::Arm other = arm_of("drawn", 5, "1");
    store.add_arm(other);
    store.add_cost(other.key(), {.step_ms = 3, .step_predicted_ms = 2.5});
    const Cell cell{cell_key(other, 1), 0, 1, ""};
    store.add_cell(cell, other, result_of(0.5, 1));
    store.database().run(fmt::format("INSERT INTO members VALUES ('labels','{}')", cell.key));
  }
  const std::vector<std::string> both = rows_of();
  CHECK(both.size() == 7);
  CHECK(std::set<std::string>(both.begin(), both.end()).size() == both.size());
  CHECK(std::count(both.begin(), both.end(), "mlp, first 1 frozen, from half") == 1);
  CHECK(std::count(both.begin(), both.end(), "mlp, first 1 frozen, from drawn") == 1);
}

TEST_CASE("half a study has a page too, and what is no study is refused") {
  const test::Folder folder;
  make_study(folder.path());
  {
    Database db(folder.path() + "/results.sqlite", false);
    db.run("DELETE FROM summary");
    db.run("DELETE FROM answers");
    db.run("DELETE FROM costs");
    db.run("DELETE FROM curves");
  }
  const StudyPage page = study_page(read_study(folder.path()));
  CHECK(page.html.find("</html>") != std::string::npos);
  CHECK(page.charts.empty());
  {
    Database db(folder.path() + "/results.sqlite", false);
    db.run("PRAGMA user_version=99");
  }
  CHECK_THROWS_AS(read_study(folder.path()), Error);
  CHECK_THROWS_AS(read_study(folder.path() + "/nowhere"), Error);
}

}  // namespace firn::cli::report
