// Run folders that somebody else has written, or damaged: one typed error, whatever stands in them.
#include <doctest/doctest.h>
#include <fmt/core.h>

#include <filesystem>
#include <string>
#include <tuple>

#include "tests/errors.h"
#include "tests/folder.h"
#include "tools/app/report/write.h"
#include "tools/app/study/store.h"

namespace {

using namespace firn;
using namespace firn::cli;

/// A study of one cell with everything that a page looks at.
void make_study(const std::string& folder) {
  Store store(folder + "/results.sqlite", "abc");
  Arm arm;
  arm.model = "mlp";
  arm.source = "half";
  arm.target = "digits";
  arm.freeze = "1";
  arm.blocks = 3;
  CellResult r;
  r.accuracy = 0.5;
  r.curve = {{10, 1.5, 0.25}, {20, 1.0, 0.5}};
  r.classes = 2;
  r.confusion = {3, 1, 1, 3};
  r.mistakes = {{7, 0, 1, 0.83, 2, 2, 1, {0, 255, 128, 64}, ""}};
  const Cell cell{cell_key(arm, 1), 0, 1, ""};
  store.add_arm(arm);
  store.add_cost(arm.key(), {.step_ms = 2, .step_predicted_ms = 2.1});
  store.add_cell(cell, arm, r);
  Database& db = store.database();
  db.run(fmt::format("INSERT INTO members VALUES ('labels','{}')", cell.key));
  db.run(fmt::format("INSERT INTO summary VALUES ('{}','accuracy',1,0.5,0,0.5,0.5,NULL,NULL,NULL,NULL)",
                     arm.key()));
  db.run("INSERT INTO experiments VALUES ('labels',1,'Few labels','Which cut?',0)");
  db.run("INSERT INTO classes VALUES ('digits','all',0,'zero'),('digits','all',1,'one')");
  db.run(fmt::format("INSERT INTO answers VALUES (0,'mlp','half','digits','all',0,'{0}','{0}','so')",
                     arm.key()));
  db.run("INSERT INTO verdicts VALUES (1,'labels',1,'it helps','mlp','half','digits','undecided','so.')");
  db.run(
      fmt::format("INSERT INTO evidence VALUES (1,0,'cut','{0}','{0}','accuracy',2,0.1,0,0.2)", arm.key()));
}

TEST_CASE("a study's numbers, texts and tables are looked at before a page is made of them") {
  {
    const test::Folder folder;
    make_study(folder.path());
    CHECK_FALSE(report::write_report(folder.path(), "").empty());
  }
  const std::string deep =
      "CREATE VIEW summary AS WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM n) ";
  for (const auto& [sql, words] : {
           std::tuple{std::string("UPDATE mistakes SET height=5, width=3689348814741910336"), "width"},
           std::tuple{std::string("UPDATE mistakes SET height=3"), "4 bytes for (3,2,1)"},
           std::tuple{std::string("UPDATE mistakes SET channels=-1"), "channels is -1"},
           std::tuple{std::string("UPDATE mistakes SET truth=-5"), "truth is -5"},
           std::tuple{std::string("UPDATE mistakes SET pixels='text'"), "pixels holds what are no bytes"},
           std::tuple{std::string("UPDATE mistakes SET confidence=1e300"), "confidence"},
           std::tuple{std::string("UPDATE arms SET blocks=1e15"), "blocks is 1000000000000000"},
           std::tuple{std::string("UPDATE arms SET blocks=-1"), "blocks is -1"},
           std::tuple{std::string("UPDATE arms SET frozen_blocks=4"), "frozen_blocks is 4"},
           std::tuple{std::string("UPDATE arms SET name=zeroblob(9)"), "name holds what is no text"},
           std::tuple{std::string("UPDATE arms SET freeze_at=-1"), "freeze_at"},
           std::tuple{std::string("UPDATE summary SET mean=9e999"), "mean is inf"},
           std::tuple{std::string("UPDATE summary SET high='x'"), "high holds what is no number"},
           std::tuple{std::string("UPDATE summary SET seeds=9223372036854775807"), "seeds"},
           std::tuple{std::string("UPDATE costs SET step_ms=-1"), "step_ms"},
           std::tuple{std::string("UPDATE curves SET accuracy=7"), "accuracy is 7"},
           std::tuple{std::string("UPDATE curves SET step=-9 WHERE step=10"), "step is -9"},
           std::tuple{std::string("UPDATE confusion SET predicted=2 WHERE predicted=1"), "predicted is 2"},
           std::tuple{std::string("UPDATE confusion SET count=-1"), "is -"},
           std::tuple{std::string("UPDATE experiments SET claim=4000000000"), "claim"},
           std::tuple{std::string("UPDATE evidence SET low=-9e999"), "low is -inf"},
           std::tuple{std::string("DROP TABLE verdicts"), "not those of a study"},
           std::tuple{"DROP TABLE summary; " + deep +
                          "SELECT 'a' arm,'b' metric,x seeds,0 mean,0 deviation,0 low,0 high,0 difference,0 "
                          "difference_low,0 difference_high,'' finding FROM n",
                      "not those of a study"},
           std::tuple{std::string("CREATE TRIGGER t AFTER INSERT ON meta BEGIN DELETE FROM arms; END"),
                      "not those of a study"},
       }) {
    CAPTURE(sql);
    const test::Folder folder;
    make_study(folder.path());
    Database(folder / "results.sqlite", false).run(sql);
    CHECK(test::fails_with(Fault::data, words, [&] { report::write_report(folder.path(), ""); }));
    CHECK_FALSE(std::filesystem::exists(folder / "report.html"));
  }
}

const std::string kConfig =
    R"({"schema":1,"kind":"config","model":"cnn","data":"digits","freezing":{"blocks":[]}})";
const std::string kEpoch = R"({"kind":"epoch","epoch":1,"loss":0.5,"test_accuracy":0.9,"steps":4})";

TEST_CASE("a training run's files are looked at before a page is made of them") {
  const std::string bomb(200'000, '[');
  for (const auto& [file, text, words] : {
           std::tuple{"", std::string(), ""},
           std::tuple{"config.json", std::string(), "config.json, offset"},
           std::tuple{"config.json", "{\"a\":" + bomb, "config.json: nested deeper than"},
           std::tuple{"config.json", std::string("[]"), "config.json is no JSON object"},
           std::tuple{"config.json", std::string(R"({"model":7})"), "'model' is no text"},
           std::tuple{"config.json", std::string(R"({"freezing":{"blocks":[{"parameters":-1}]}})"),
                      "'parameters' is -1"},
           std::tuple{"config.json", std::string(R"({"freezing":{"blocks":7}})"), "'blocks' is no list"},
           std::tuple{"env.json", std::string(), "env.json, offset"},
           std::tuple{"env.json", bomb, "env.json: nested deeper than"},
           std::tuple{"metrics.jsonl", kEpoch + "\n{}\n{\"kind\":3}", "line 3: 'kind' is no text"},
           std::tuple{"metrics.jsonl", kEpoch + "\n" + bomb, "line 2: nested deeper than"},
           std::tuple{"metrics.jsonl", std::string(R"({"kind":"epoch","epoch":1e15})"), "'epoch' is number"},
           std::tuple{"metrics.jsonl", std::string(R"({"kind":"epoch","epoch":99999999999999})"),
                      "'epoch' is 9"},
           std::tuple{"metrics.jsonl", std::string(R"({"kind":"epoch","loss":"x"})"), "'loss' is string"},
           std::tuple{"metrics.jsonl", std::string(R"({"kind":"epoch","loss":1e200})"), "'loss' is 1e+200"},
           std::tuple{"metrics.jsonl", std::string(R"({"kind":"epoch","loss":NaN})"), "line 1, offset"},
           std::tuple{"metrics.jsonl", std::string(R"({"kind":"epoch","test_accuracy":92})"),
                      "'test_accuracy' is 92"},
           std::tuple{"confusion.json", std::string(R"({"classes":["a"],"counts":[1,2]})"),
                      "2 counts for 1 classes"},
           std::tuple{"confusion.json", std::string(R"({"classes":["a"],"counts":[-1]})"), "'counts' is -1"},
       }) {
    CAPTURE(file);
    CAPTURE(text.substr(0, 80));
    const test::Folder folder;
    folder.write("config.json", kConfig);
    folder.write("env.json", "{}");
    folder.write("metrics.jsonl", kEpoch + "\n");
    if (std::string(file).empty()) {
      CHECK_FALSE(report::write_report(folder.path(), "").empty());
      continue;
    }
    folder.write(file, text);
    CHECK(test::fails_with(Fault::data, words, [&, f = file] { report::write_report(folder.path(), ""); }));
    CHECK(test::fails_with(Fault::data, file, [&] { report::write_report(folder.path(), ""); }));
  }
}

TEST_CASE("numbers that were not finite when they were written are no fault") {
  const test::Folder folder;
  folder.write("config.json", kConfig);
  folder.write("env.json", "{}");
  folder.write("metrics.jsonl",
               R"({"kind":"epoch","epoch":1,"loss":null,"test_accuracy":null,"gradient_norm":null})"
               "\n" +
                   kEpoch);
  CHECK_FALSE(report::write_report(folder.path(), "").empty());
}

}  // namespace
