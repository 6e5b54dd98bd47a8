// Options that say how data is read: refused on data of other kinds, kept with a run, and in force again.
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/tools/cli_program.h"

namespace {

using firn::test::Cli;
using firn::test::Outcome;
using Json = nlohmann::json;

bool holds(const std::string& text, const std::string& words) {
  return text.find(words) != std::string::npos;
}

std::string table(const std::string& header) {
  std::string lines = header;
  for (int i = 0; i < 60; ++i) {
    const int kind = i % 2;
    lines +=
        std::to_string(i % 7) + "," + (kind == 1 ? "b" : "a") + "," + std::to_string(3 * kind + i % 3) + "\n";
  }
  return lines;
}

/// Number, label, text, mood: which is the label and which the text must be said.
std::string messages() {
  std::string lines;
  const char* words[] = {"lunch", "home", "later", "soon"};
  for (int i = 0; i < 60; ++i) {
    const bool spam = i % 2 == 1;
    lines += std::to_string(i) + "\t" + (spam ? "spam" : "ham") + "\t" +
             (spam ? "win a prize " : "see you ") + words[i % 4] + "\tmood" + std::to_string(i % 3) + "\n";
  }
  return lines;
}

Json result(const Outcome& outcome) {
  INFO(outcome.err);
  REQUIRE(outcome.code == 0);
  return Json::parse(outcome.lines().back());
}

}  // namespace

TEST_CASE("an option for other kinds of data is refused, and which data it is for is said") {
  Cli cli;
  cli.write("t.csv", table("x,class,z\n"));
  cli.write("m.tsv", "spam\twin a prize\nham\tsee you\nspam\twin it\nham\tat home\n");
  cli.write("plain.txt", std::string(4000, 'a') + std::string(4000, 'b'));
  cli.write("photos/a/1.jpg", "no picture");
  cli.write("photos/b/2.jpg", "no picture");
  struct Row {
    const char *data, *option, *words;
  };
  const Row rows[] = {
      {"digits", "--tokens words", "--tokens is for tables of texts; digits holds pictures"},
      {"digits", "--lowercase", "--lowercase is for tables of texts"},
      {"digits", "--vocabulary 9", "--vocabulary is for texts with a label"},
      {"digits", "--text-column 2", "--text-column is for tables of texts"},
      {"digits", "--header yes", "--header is for tables"},
      {"digits", "--label first", "--label is for tables"},
      {"digits", "--drop 1", "--drop is for tables of numbers"},
      {"digits", "--layout nhwc", "--layout is for arrays (npy)"},
      {"digits", "--labels-file y.npy", "--labels-file is for arrays (npy)"},
      {"digits", "--window 9", "--window is for plain text"},
      {"digits", "--limit 9", "--limit is for the set words"},
      {"digits", "--skip-bad", "--skip-bad is for folders of pictures"},
      {"t.csv", "--size 8", "--size is for pictures; t.csv holds rows of numbers"},
      {"t.csv", "--tokens words", "--tokens is for tables of texts; t.csv holds rows of numbers"},
      {"m.tsv", "--layout nhwc", "--layout is for arrays (npy); m.tsv is a table"},
      {"m.tsv", "--drop 1", "--drop is for tables of numbers"},
      // Before anything of it is read: this is no picture.
      {"photos", "--limit 9", "--limit is for the set words; photos is a folder of pictures"},
      {"photos", "--header yes", "--header is for tables; photos is a folder of pictures"},
      {"plain.txt", "--size 8", "--size is for pictures; plain.txt holds plain text"},
      {"plain.txt", "--lowercase", "--lowercase is for tables of texts"},
  };
  for (const Row& row : rows) {
    for (const std::string verb : {"data ", "train --model mlp --no-run --data "}) {
      CAPTURE(verb + row.data + " " + row.option);
      const Outcome outcome = cli.run(verb + row.data + " " + row.option);
      INFO(outcome.err);
      CHECK(outcome.code == 2);
      CHECK(outcome.error_lines() == 1);
      CHECK(holds(outcome.err, row.words));
    }
  }
  // Where there is no data they have nothing to say either; a vocabulary is the model's.
  CHECK(holds(cli.run("explain --model mlp --size 9").err, "--size goes with --data"));
  CHECK(cli.run("explain --model textlstm --vocabulary 50").code == 0);
  for (const std::string fits : {"digits --size 8", "t.csv --label class --drop 1 --header yes",
                                 "m.tsv --tokens words --lowercase --vocabulary 5 --text-column 2 --label 1",
                                 "plain.txt --window 9"}) {
    CAPTURE(fits);
    CHECK(cli.run("data " + fits).code == 0);
  }
}

TEST_CASE("whether the first line of a table of numbers is a header can be said") {
  Cli cli;
  cli.write("t.csv", table("0,a,1\n"));
  const Json told = result(cli.run("data t.csv --label 2 --json"));
  CHECK(told.at("train").get<int>() + told.at("validation").get<int>() + told.at("test").get<int>() == 61);
  const Json said = result(cli.run("data t.csv --label 2 --header yes --json"));
  CHECK(said.at("train").get<int>() + said.at("validation").get<int>() + said.at("test").get<int>() == 60);
}

TEST_CASE("eval and predict of a run read its data as the run did") {
  Cli cli;
  cli.write("m.tsv", messages());
  const Json trained = result(
      cli.run("train --model textcnn --data m.tsv --tokens words --lowercase --label 2 --text-column 3 "
              "--header no --split-seed 5 --epochs 2 --batch 8 --optimizer adam --run w --json"));
  const Json config = Json::parse(cli.read("runs/w/config.json"));
  CHECK(config.at("text_column") == "3");
  CHECK(config.at("label") == "2");
  CHECK(config.at("header") == "no");
  CHECK(config.at("split_seed") == 5);
  const auto same = [&](const std::string& more) {
    CAPTURE(more);
    const Json judged = result(cli.run("eval runs/w --json" + more));
    CHECK(judged.at("accuracy") == trained.at("test_accuracy"));
    CHECK(judged.at("loss") == trained.at("test_loss"));
    CHECK(judged.at("samples") == trained.at("test_samples"));
  };
  same("");
  same(" --data m.tsv");
  same(" --data tsv:m.tsv");
  const Json judged = result(cli.run("eval runs/w --json --split validation"));
  CHECK(judged.at("accuracy") == trained.at("validation_accuracy"));
  CHECK(result(cli.run("predict runs/w m.tsv --json")).at("samples") == 60);
  // Another file of the same make.
  const std::string all = messages();
  cli.write("new.tsv", all.substr(0, all.find("20\t")));
  CHECK(result(cli.run("predict runs/w new.tsv --json")).at("samples") == 20);
  // Of few labels a class the same are drawn.
  const Json few =
      result(cli.run("train --model mlp --data digits --labels 10 --seed 7 --split-seed 3 --epochs 1 "
                     "--run few --json"));
  CHECK(result(cli.run("eval runs/few --json")).at("loss") == few.at("test_loss"));
  CHECK(result(cli.run("eval runs/few --split validation --json")).at("loss") == few.at("validation_loss"));
}

TEST_CASE("the command that advise prints reads the data as it did") {
  Cli cli;
  cli.write("m.tsv", messages());
  const std::string reading =
      "--data m.tsv --tokens words --lowercase --vocabulary 30 --label 2 --text-column 3 --header no "
      "--split-seed "
      "5";
  const Json advice = result(cli.run("advise --model textcnn --epochs 1 --probe-time 1s --json " + reading));
  const std::string command = advice.at("command");
  CHECK(holds(command, reading));
  const Json trained = result(cli.run(command.substr(command.find(' ') + 1) + " --run x --json"));
  if (advice.at("trained") == true) CHECK(trained.at("validation_accuracy") == advice.at("accuracy"));
}

TEST_CASE("weights have a vocabulary and a rule for capitals of their own") {
  Cli cli;
  cli.write("m.tsv", messages());
  const std::string with = " --data m.tsv --label 2 --text-column 3 --epochs 1 --no-run";
  REQUIRE(cli.run("train --model textcnn --data m.tsv --label 2 --text-column 3 --epochs 1 --run w").code ==
          0);
  CHECK(holds(cli.run("finetune runs/w --vocabulary 9" + with).err, "--vocabulary is for new weights"));
  CHECK(holds(cli.run("finetune runs/w --lowercase" + with).err, "was trained with capitals"));
}
