// Train, validation and test, as users of the program see them.
#include <doctest/doctest.h>
#include <fmt/core.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/tools/cli_program.h"

namespace {

using firn::test::Cli;
using firn::test::Outcome;
using Json = nlohmann::json;

std::vector<Json> lines_of_kind(const std::string& text, const std::string& kind) {
  std::vector<Json> found;
  for (std::size_t at = 0, end = 0; at < text.size(); at = end + 1) {
    end = text.find('\n', at);
    const Json json = Json::parse(text.substr(at, end - at));
    if (json.at("kind") == kind) found.push_back(json);
  }
  return found;
}

/// Two classes of `each` rows whose numbers lie apart, but for a noise that is the same for each row number.
/// `flip` turns the labels round.
std::string table(int from, int each, bool flip = false) {
  std::string text = "x,y,label\n";
  for (int i = from; i < from + each; ++i) {
    for (int c = 0; c < 2; ++c) {
      const double noise = 1.3 * ((i * 7919 + c * 104729) % 1000 / 1000.0 - 0.5);
      text += fmt::format("{:.3f},{:.3f},{}\n", c + noise, 1 - c + 0.5 * noise, (c == 1) != flip ? "b" : "a");
    }
  }
  return text;
}

bool says(const Outcome& outcome, const std::string& words) {
  INFO(outcome.err);
  return outcome.err.find(words) != std::string::npos;
}

TEST_CASE("a run that writes nothing is judged with the weights that it says it is judged with") {
  Cli cli;
  const std::string train = "train --model cnn --data digits --epochs 5 --json ";
  const Outcome kept = cli.run(train + "--run kept"), none = cli.run(train + "--no-run");
  REQUIRE(kept.code == 0);
  REQUIRE(none.code == 0);
  const Json with = lines_of_kind(kept.out, "result").at(0),
             without = lines_of_kind(none.out, "result").at(0);
  CHECK(with.at("best_epoch") < with.at("epochs"));  // else the last epoch's are these too
  CHECK(without.at("best_epoch") == with.at("best_epoch"));
  CHECK(without.at("test_accuracy") == with.at("test_accuracy"));
  CHECK(without.at("test_loss") == with.at("test_loss"));
}

TEST_CASE("what the test part holds changes no choice, only its own numbers") {
  Cli cli;
  cli.write("one/train.csv", table(0, 60));
  cli.write("one/test.csv", table(100, 30));
  cli.write("two/train.csv", table(0, 60));
  cli.write("two/test.csv", table(100, 30, true));
  const std::string with = " --model mlp --epochs 12 --rate 0.02 --patience 6 --json";
  const Outcome one = cli.run("train --data csv:one --run a" + with);
  const Outcome two = cli.run("train --data csv:two --run b" + with);
  REQUIRE(one.code == 0);
  REQUIRE(two.code == 0);
  const auto first = lines_of_kind(one.out, "epoch"), second = lines_of_kind(two.out, "epoch");
  REQUIRE(first.size() == second.size());
  for (std::size_t i = 0; i < first.size(); ++i) {
    CHECK(first[i].at("validation_accuracy") == second[i].at("validation_accuracy"));
    CHECK(first[i].at("validation_loss") == second[i].at("validation_loss"));
    CHECK_FALSE(first[i].contains("test_accuracy"));
  }
  const Json a = lines_of_kind(one.out, "result").at(0), b = lines_of_kind(two.out, "result").at(0);
  CHECK(a.at("best_epoch") == b.at("best_epoch"));
  CHECK(a.at("test_accuracy").get<double>() > 0.7);
  CHECK(a.at("test_accuracy").get<double>() + b.at("test_accuracy").get<double>() == doctest::Approx(1));
  CHECK(cli.read("runs/a/best.safetensors") == cli.read("runs/b/best.safetensors"));
}

TEST_CASE("the closing record is of the best weights, and eval gives the same numbers") {
  Cli cli;
  const Outcome outcome = cli.run("train --model mlp --data digits --epochs 4 --run a --json");
  REQUIRE(outcome.code == 0);
  CHECK(Json::parse(outcome.lines().back()).at("kind") == "result");
  const Json result = Json::parse(outcome.lines().back());
  CHECK(result.at("weights") == "best");
  CHECK(result.at("run") == "runs/a");
  CHECK(result.at("test_samples") == 360);
  CHECK(result.at("validation_samples") == 283);
  CHECK(result.at("seconds").get<double>() > 0);
  const auto interval = result.at("test_interval").get<std::vector<double>>();
  REQUIRE(interval.size() == 2);
  CHECK(interval[0] < result.at("test_accuracy").get<double>());
  CHECK(interval[1] > result.at("test_accuracy").get<double>());
  const auto epochs = lines_of_kind(outcome.out, "epoch");
  double best = 0;
  int at = 0;
  for (const Json& epoch : epochs) {
    if (epoch.at("validation_accuracy").get<double>() < best) continue;
    best = epoch.at("validation_accuracy").get<double>();
    at = epoch.at("epoch").get<int>();
  }
  CHECK(result.at("best_epoch") == at);
  CHECK(result.at("validation_accuracy") == best);

  const std::string eval = "eval --weights runs/a/best.safetensors --data digits --json --split ";
  const Json test = Json::parse(cli.run(eval + "test").out);
  CHECK(test.at("accuracy") == result.at("test_accuracy"));
  CHECK(test.at("interval") == result.at("test_interval"));
  const Json validation = Json::parse(cli.run(eval + "validation").out);
  CHECK(validation.at("samples") == 283);
  CHECK(validation.at("accuracy") == result.at("validation_accuracy"));
  CHECK(Json::parse(cli.run(eval + "train").out).at("samples") == 1437 - 283);
  CHECK(Json::parse(cli.run(eval + "all").out).at("samples") == 1797);

  const Json confusion = Json::parse(cli.read("runs/a/confusion.json"));
  CHECK(confusion.at("weights") == "best");
  int samples = 0, right = 0;
  const auto counts = confusion.at("counts").get<std::vector<int>>();
  for (std::size_t i = 0; i < counts.size(); ++i) {
    samples += counts[i];
    right += i / 10 == i % 10 ? counts[i] : 0;
  }
  CHECK(samples == 360);
  CHECK(right / 360.0 == doctest::Approx(result.at("test_accuracy").get<double>()));
  const std::string page = cli.read("runs/a/report.html");
  CHECK(page.find("on 360 samples that no choice was made on") != std::string::npos);
  CHECK(page.find("Validation accuracy") != std::string::npos);
}

TEST_CASE("of equal epochs the last one is kept as the best") {
  Cli cli;
  cli.write(
      "apart.csv", "x,label\n" + [] {
        std::string rows;
        for (int i = 0; i < 40; ++i)
          rows += fmt::format("{},{}\n", i % 2 == 0 ? -1 : 1, i % 2 == 0 ? "a" : "b");
        return rows;
      }());
  const Outcome outcome = cli.run("train --model mlp --data apart.csv --epochs 6 --rate 0.02 --run a --json");
  REQUIRE(outcome.code == 0);
  const auto epochs = lines_of_kind(outcome.out, "epoch");
  REQUIRE(epochs[3].at("validation_accuracy") == 1);
  CHECK(lines_of_kind(outcome.out, "result").at(0).at("best_epoch") == 6);
  CHECK(cli.read("runs/a/best.safetensors") == cli.read("runs/a/last.safetensors"));
}

TEST_CASE("the parts that are drawn stay when the seed changes") {
  Cli cli;
  cli.write("t.csv", table(0, 100));
  const auto hashes = [&](const std::string& options) {
    const Outcome outcome =
        cli.run("train --model mlp --data t.csv --epochs 1 -q --run x --overwrite " + options);
    INFO(outcome.err);
    REQUIRE(outcome.code == 0);
    const Json config = Json::parse(cli.read("runs/x/config.json"));
    return std::vector<Json>{config.at("train_sha256"), config.at("validation_sha256"),
                             config.at("test_sha256")};
  };
  const auto first = hashes("--seed 1");
  CHECK(hashes("--seed 2") == first);
  const auto other = hashes("--split-seed 1");
  for (std::size_t part = 0; part < 3; ++part) CHECK(other[part] != first[part]);
  CHECK(hashes("--labels 20 --seed 2")[2] == first[2]);
}

TEST_CASE("other data validates, its classes matched by name; or none does") {
  Cli cli;
  cli.write("t.csv", table(0, 60));
  cli.write("v.csv", "x,y,label\n1,0,b\n0.9,0.1,b\n0,1,a\n");
  cli.write("c.csv", "x,y,label\n1,0,c\n0.9,0.1,c\n0,1,a\n");
  cli.write("narrow.csv", "x,label\n1,b\n0.9,b\n0,a\n");
  cli.write("wide.csv", "x,y,z,label\n1,0,1,b\n0.9,0.1,2,b\n0,1,3,a\n");
  const std::string train = "train --model mlp --data t.csv --epochs 2 --no-run --json --validation ";
  const Outcome given = cli.run(train + "v.csv");
  REQUIRE(given.code == 0);
  CHECK(says(given, "validation: 3 samples of v.csv"));
  CHECK(lines_of_kind(given.out, "result").at(0).at("validation_samples") == 3);
  const Outcome none = cli.run(train + "none");
  REQUIRE(none.code == 0);
  CHECK_FALSE(lines_of_kind(none.out, "epoch").at(0).contains("validation_accuracy"));
  const Json result = lines_of_kind(none.out, "result").at(0);
  CHECK(result.at("weights") == "last");
  CHECK(result.at("best_epoch") == 2);
  CHECK(result.at("test_samples") == 24);
  const Outcome unknown = cli.run(train + "c.csv");
  CHECK(unknown.code == 2);
  CHECK(says(unknown, "class 'c' of c.csv is none of t.csv's"));
  CHECK(cli.run(train + "wide.csv").code == 0);  // its columns go by name, and z is none of t.csv's
  CHECK(says(cli.run(train + "narrow.csv"), "lacks the column 'y'"));
  CHECK(cli.run(train + "none --patience 1").code == 2);
  CHECK(cli.run(train + "nowhere.csv").code == 3);
}

TEST_CASE("with few labels what validates is said, with less than five a class nothing does") {
  Cli cli;
  const std::string train = "train --model mlp --data digits --epochs 2 --no-run --json --labels ";
  const Outcome ten = cli.run(train + "10");
  REQUIRE(ten.code == 0);
  CHECK(says(ten, "validation: 10 of 100 training samples"));
  CHECK(says(ten, "10 a class are few"));
  const Outcome three = cli.run(train + "3");
  REQUIRE(three.code == 0);
  CHECK(says(three, "the last epoch's weights are kept"));
  CHECK(lines_of_kind(three.out, "result").at(0).at("weights") == "last");
}

TEST_CASE("a text is divided into stretches: train, validation, test") {
  Cli cli;
  std::string text;
  for (int i = 0; i < 300; ++i) text += "the quick brown fox ";
  cli.write("t.txt", text);
  const Outcome outcome = cli.run("data text:t.txt --window 20 --json");
  REQUIRE(outcome.code == 0);
  const Json data = Json::parse(outcome.out);
  CHECK(data.at("test") == 29);
  CHECK(data.at("validation") == 29);
  CHECK(data.at("train") == 299 - 58);
}

}  // namespace
