// Numbers and several labels from the command line: trained, judged, predicted, shown, gone on with, refused.
#include <doctest/doctest.h>
#include <fmt/core.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/tools/cli_study_run.h"

namespace {

using firn::test::Cli;
using firn::test::number;
using firn::test::Outcome;
using Json = nlohmann::json;

bool has(const std::string& text, const std::string& part) {
  INFO(text);
  return text.find(part) != std::string::npos;
}

std::vector<Json> records(const std::string& text, const std::string& kind) {
  std::vector<Json> all;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = text.find('\n', begin);
    Json line = Json::parse(text.substr(begin, end - begin));
    if (line.at("kind") == kind) all.push_back(std::move(line));
    begin = end == std::string::npos ? text.size() : end + 1;
  }
  return all;
}

/// Houses: price = 100,000 + 1,000 area - 500 age, and whether they are large and old.
std::string houses(int rows) {
  std::string text = "area,age,price,large,old\n";
  for (int i = 0; i < rows; ++i) {
    const int area = 40 + i * 37 % 101, age = i * 53 % 67;
    text += fmt::format("{},{},{}.5,{},{}\n", area, age, 100000 + 1000 * area - 500 * age, area > 90 ? 1 : 0,
                        age > 30 ? 1 : 0);
  }
  return text;
}

const char* const kNumbers =
    "train --model mlp --data h.csv --task regression --label price --drop large old --epochs 30 --batch 32 "
    "--rate 0.02 --threads 1";

}  // namespace

TEST_CASE("numbers: trained, judged and predicted in the units of the table") {
  Cli cli;
  cli.write("h.csv", houses(300));
  const Outcome trained = cli.run(std::string(kNumbers) + " --run r --json --tensorboard");
  INFO(trained.err);
  REQUIRE(trained.code == 0);
  CHECK(has(trained.err, "the target is column 'price' (--label)"));
  const std::vector<Json> epochs = records(trained.out, "epoch");
  REQUIRE(epochs.size() == 30);
  double least = epochs[0].at("validation_loss").get<double>();
  for (const Json& epoch : epochs) {
    for (const char* field : {"validation_r2", "validation_mae", "validation_rmse", "validation_loss"})
      CHECK(epoch.at(field).is_number());
    CHECK_FALSE(epoch.contains("validation_accuracy"));
    least = std::min(least, epoch.at("validation_loss").get<double>());
  }
  const Json result = records(trained.out, "result").at(0);
  CHECK(result.at("validation_loss") == least);
  CHECK(result.at("test_r2").get<double>() > 0.99);
  CHECK(result.at("test_interval").at(0) <= result.at("test_r2"));
  CHECK(result.at("test_interval").at(1) >= result.at("test_r2"));
  CHECK(result.at("test_mae_interval").at(0) <= result.at("test_mae"));
  CHECK(cli.has("runs/r/answers.json"));
  CHECK_FALSE(cli.has("runs/r/confusion.json"));
  CHECK(has(cli.read("runs/r/report.html"), "Predicted against true: price"));
  CHECK(has(cli.read("runs/r/report.html"), "Test R² 0.99"));
  CHECK(has(cli.read("runs/r/results.csv"), "epoch,loss,validation_r2,validation_mae,validation_rmse,"));

  const Outcome judged = cli.run("eval runs/r --json");
  REQUIRE(judged.code == 0);
  const Json evaluation = records(judged.out, "result").at(0);
  CHECK(evaluation.at("r2") == result.at("test_r2"));
  CHECK(evaluation.at("mae") == result.at("test_mae"));
  CHECK(has(cli.run("eval runs/r").out, "mean absolute error"));

  // Without the target, columns in another order: (40 + ...) in price's own units.
  cli.write("ask.csv", "age,area\n0,100\n60,50\n");
  const Outcome asked = cli.run("predict runs/r ask.csv --json");
  INFO(asked.err);
  REQUIRE(asked.code == 0);
  const std::vector<Json> answers = records(asked.out, "prediction");
  REQUIRE(answers.size() == 2);
  CHECK(answers[0].at("values").at(0).at("target") == "price");
  CHECK(answers[0].at("values").at(0).at("value").get<double>() == doctest::Approx(200000).epsilon(0.03));
  CHECK(answers[1].at("values").at(0).at("value").get<double>() == doctest::Approx(120000).epsilon(0.06));
  CHECK_FALSE(answers[0].contains("truths"));
  const Outcome known = cli.run("predict runs/r h.csv --json");
  CHECK(records(known.out, "prediction").at(0).at("truths") == Json{140000.5});
  CHECK(has(cli.run("predict runs/r h.csv").out, "| 140000"));
  const Outcome refused = cli.run("eval runs/r --data ask.csv");
  CHECK(refused.code == 3);
  CHECK(has(refused.err, "lacks the target 'price', needed here"));
}

TEST_CASE("a run of numbers is frozen, tuned, gone on with; the same bytes") {
  Cli cli;
  cli.write("h.csv", houses(300));
  const std::string command = kNumbers;
  REQUIRE(cli.run(command + " --run whole --freeze half --cache on").code == 0);
  REQUIRE(cli.run(command + " --run plain --freeze half").code == 0);
  CHECK(cli.read("runs/whole/best.safetensors") == cli.read("runs/plain/best.safetensors"));

  const Outcome tuned =
      cli.run("finetune runs/whole --data h.csv --drop large old --run t --epochs 5 --threads 1");
  INFO(tuned.err);
  CHECK(tuned.code == 0);
  CHECK(has(tuned.err, "(as for the weights)"));
  CHECK(has(tuned.err, "test R² 0."));
  // A head for another task.
  const Outcome labels = cli.run(
      "finetune runs/whole --data h.csv --drop price --task labels --label large,old --run l --epochs 5 "
      "--threads 1");
  INFO(labels.err);
  CHECK(labels.code == 0);
  CHECK(has(labels.err, "test macro F1 "));
  const Outcome other = cli.run("eval runs/whole --task classification");
  CHECK(other.code == 2);
  CHECK(has(other.err, "is for regression, --task classification does not go with it"));
  CHECK(cli.run("report runs/whole runs/t -o both.html").code == 0);
  const Outcome mixed = cli.run("report runs/whole runs/l -o both.html");
  CHECK(mixed.code == 2);
  CHECK(has(mixed.err, "no score in common"));
}

TEST_CASE("several labels: columns, names in one column, and what is predicted") {
  Cli cli;
  cli.write("h.csv", houses(300));
  const std::string train = "train --model mlp --epochs 15 --batch 32 --threads 1 --task labels ";
  const Outcome trained = cli.run(train + "--data h.csv --drop price --label large,old --run r --json");
  INFO(trained.err);
  REQUIRE(trained.code == 0);
  const Json result = records(trained.out, "result").at(0);
  CHECK(result.at("test_macro_f1").get<double>() > 0.9);
  CHECK(result.contains("test_accuracy"));
  CHECK(result.contains("test_subset_accuracy"));
  CHECK(records(trained.out, "epoch").at(0).contains("validation_macro_f1"));
  CHECK(has(cli.read("runs/r/report.html"), "binary cross-entropy"));
  CHECK(has(cli.run("eval runs/r").out, "all labels right"));
  const Outcome known = cli.run("predict runs/r h.csv --json");
  const Json first = records(known.out, "prediction").at(0);  // area 40, age 0
  CHECK(first.at("labels") == Json::array());
  for (const Json& place : first.at("top")) {
    CHECK(place.contains("label"));
    CHECK(place.at("predicted") == (place.at("probability").get<double>() >= 0.5));
  }

  std::string named = "area,age,tags\n";
  for (int i = 0; i < 300; ++i) {
    const int area = 40 + i * 37 % 101, age = i * 53 % 67;
    named += fmt::format("{},{},{}\n", area, age,
                         area > 90 && age > 30 ? "old;large"
                         : area > 90           ? "large"
                         : age > 30            ? "old"
                                               : "");
  }
  cli.write("n.csv", named);
  REQUIRE(cli.run(train + "--data n.csv --label tags --run n").code == 0);
  CHECK(cli.run("eval runs/r --data n.csv --label tags --split all --json").out.find("\"macro_f1\":") !=
        std::string::npos);
  CHECK(records(cli.run("eval runs/n --json").out, "result").at(0).at("macro_f1") ==
        result.at("test_macro_f1"));
}

TEST_CASE("a study of numbers speaks of R², one of several labels of macro F1") {
  Cli cli;
  cli.write("h.csv", houses(150));
  const std::string study =
      "study --seeds 2 --steps 30 --threads 1 --freeze 0,1 --labels 40,all --run s --overwrite ";
  const Outcome numbers =
      cli.run(study + "--data h.csv --task regression --label price --drop large old --source self --json");
  INFO(numbers.err);
  REQUIRE(numbers.code == 0);
  CHECK(has(numbers.out, "40 labelled samples"));
  CHECK(has(numbers.out, ": R² "));
  const std::string page = cli.read("runs/s/report.html");
  CHECK(has(page, "Test R² by cut"));
  CHECK(page.find("ccuracy") == std::string::npos);
  const Outcome labels = cli.run(study + "--data h.csv --task labels --label large,old --drop price");
  INFO(labels.err);
  REQUIRE(labels.code == 0);
  CHECK(has(labels.out, "macro F1 %"));
  CHECK(has(labels.err, "has no classes to learn half of"));
}

TEST_CASE("a study's file says of each set how it is read") {
  Cli cli;
  cli.write("h.csv", houses(150));
  std::string texts;
  for (int i = 0; i < 80; ++i)
    texts += i % 2 == 0 ? "ham\tsee you at home later\n" : "spam\twin a prize at once\n";
  cli.write("t.tsv", texts);
  const auto grid = [](const std::string& targets) {
    std::string all;
    int number = 0;
    for (std::size_t at = 0, end = 0; at < targets.size(); at = end + 1) {
      end = std::min(targets.find(' ', at), targets.size());
      all += (all.empty() ? "" : ",") + (R"({"name": "e)" + std::to_string(++number)) + R"(", "target": ")" +
             targets.substr(at, end - at) +
             R"(", "sources": ["random"], "labels": [20, "all"], "freeze": ["0"], "seeds": 1, "steps": 4,
                "rates": [0.01]})";
    }
    return R"({"experiments": [)" + all + "]}";
  };
  cli.write("n.json", grid("csv:h.csv,task=regression,label=price,drop=large+old"));
  const Outcome numbers = cli.run("study --grid n.json --run n");
  INFO(numbers.err);
  REQUIRE(numbers.code == 0);
  CHECK(has(numbers.out, ": R² "));
  // The same numbers as with the options on the command line.
  const Outcome same = cli.run(
      "study --data csv:h.csv --source random --labels 20,all --freeze 0 --seeds 1 --steps 4 --rate 0.01 "
      "--run m "
      "--task regression --label price --drop large old");
  REQUIRE(same.code == 0);
  const char* sum = "SELECT cast(1e9 * sum(accuracy) AS INTEGER) FROM results";
  CHECK(number(cli, "n", sum) == number(cli, "m", sum));

  cli.write("w.json", grid("tsv:t.tsv,tokens=words,vocabulary=5,lowercase=on tsv:t.tsv"));
  const Outcome both = cli.run("study --grid w.json --run w");
  INFO(both.err);
  REQUIRE(both.code == 0);
  CHECK(has(both.err, "5 of 9 words"));
  CHECK(has(both.out, "t.tsv,tokens=words"));

  const auto refused = [&](const std::string& targets, const std::string& words) {
    cli.write("r.json", grid(targets));
    const Outcome outcome = cli.run("study --grid r.json --run r");
    INFO(outcome.err);
    CHECK(outcome.code == 2);
    CHECK(has(outcome.err, words));
  };
  refused("csv:h.csv,task=regresion,label=price", "did you mean regression?");
  refused("csv:h.csv,task=regression,task=labels", "task stands there twice");
  refused("tsv:t.tsv,lowercase=yes", "--lowercase 'yes': want on or off");
  refused("tsv:t.tsv,vocabulary=many", "--vocabulary");
  refused("tsv:t.tsv csv:h.csv,task=regression,label=price", "accuracy and R² in one study");
}

TEST_CASE("what a task cannot do is said, with exit code 2 or 3") {
  Cli cli;
  cli.write("h.csv", houses(60));
  const std::string train = "train --model mlp --no-run --epochs 1 --data ";
  const struct {
    std::string command;
    int code;
    const char* says;
  } cases[] = {
      {train + "h.csv --label price", 3, "--task regression predicts numbers"},
      {train + "h.csv --task regression", 3, "Say so with --label"},
      {train + "h.csv --task regressions --label price", 2, "did you mean regression?"},
      {train + "h.csv --task labels --label price", 3, "want 0 or 1"},
      {train + "h.csv --task regression --label price --smoothing 0.1", 2, "label smoothing is for classes"},
      {train + "h.csv --task regression --label price --class-weights balanced", 2, "no class each"},
      {train + "h.csv --task labels --label large,old --class-weights 1,2", 2, "no class each"},
      {train + "digits --task regression", 2, "regression wants a table or arrays"},
      {"advise --model mlp --data h.csv --task regression --label price", 2, "compares accuracies"},
      {"inspect --model mlp --task regression", 2, "--task goes with --data"},
  };
  for (const auto& c : cases) {
    CAPTURE(c.command);
    const Outcome outcome = cli.run(c.command);
    CHECK(outcome.code == c.code);
    CHECK(outcome.error_lines() >= 1);
    CHECK(has(outcome.err, c.says));
  }
  // What sees no target works as ever.
  CHECK(cli.run("explain --model mlp --data h.csv --task regression --label price --freeze 1").code == 0);
  CHECK(cli.run("inspect --model mlp --data h.csv --task labels --label large,old --freeze 1").code == 0);
  CHECK(has(cli.run("data h.csv --task regression --label price").out, "price"));
}
