// Text and names: words and characters as tokens, tables of texts, what is not UTF-8, what a run is called.
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

/// Forty texts that one word of each tells apart.
std::string messages(bool label_first) {
  const char* words[] = {"meeting", "lunch", "tomorrow", "home", "later"};
  std::string lines;
  for (int i = 0; i < 40; ++i) {
    const bool spam = i % 2 == 1;
    const std::string text = std::string(spam ? "Win a PRIZE, " : "See you, ") + words[i % 5] + "!";
    const std::string label = spam ? "spam" : "ham";
    lines += label_first ? label + "\t" + text + "\n" : text + "\t" + label + "\n";
  }
  return lines;
}

std::vector<Json> json_lines(const Outcome& outcome) {
  std::vector<Json> all;
  for (const std::string& line : outcome.lines()) all.push_back(Json::parse(line));
  return all;
}

TEST_CASE("words as tokens: learned, stored with the weights, and read by them alone") {
  Cli cli;
  cli.write("m.tsv", messages(true));
  const Outcome trained = cli.run(
      "train --model textcnn --data m.tsv --tokens words --lowercase --vocabulary 6 --epochs 10 --batch 8 "
      "--optimizer adam --rate 3e-3 --run w");
  INFO(trained.err);
  REQUIRE(trained.code == 0);
  CHECK(holds(trained.err, "vocabulary: 6 of "));
  CHECK(holds(trained.err, "classes: ham 20, spam 20"));
  const Outcome predicted = cli.run("predict --weights runs/w/best.safetensors --json --text",
                                    {"win a prize", "see you there", "zzz"});
  INFO(predicted.err);
  REQUIRE(predicted.code == 0);
  const std::vector<Json> answers = json_lines(predicted);
  REQUIRE(answers.size() == 4);  // and the result
  CHECK(answers[0].at("top")[0].at("class") == "spam");
  CHECK(answers[1].at("top")[0].at("class") == "ham");
  CHECK(holds(predicted.err,
              "are not in the vocabulary and read as the unknown one; 1 texts hold nothing else"));
  const Outcome eval = cli.run("eval --weights runs/w/best.safetensors --data m.tsv --json");
  CHECK(json_lines(eval).at(0).at("accuracy") == 1.0);
  const Outcome other = cli.run("eval --weights runs/w/best.safetensors --data m.tsv --tokens characters");
  CHECK(other.code == 2);
  CHECK(holds(other.err, "was trained on words"));
  CHECK(cli.run("train --model textlstm --data m.tsv --tokens words --epochs 1 --no-run").code == 0);
}

TEST_CASE("plain text is read in characters: --tokens is refused") {
  Cli cli;
  cli.write("a.txt", std::string(2000, 'a'));
  const Outcome outcome = cli.run("train --model charrnn --data a.txt --tokens words --epochs 1");
  CHECK(outcome.code == 2);
  CHECK(holds(outcome.err, "--tokens is for tables of texts; a.txt is of the kind text"));
}

TEST_CASE("a table of texts: its columns are told, or asked for") {
  Cli cli;
  cli.write("swapped.tsv", messages(false));
  const Outcome swapped = cli.run("data swapped.tsv");
  CHECK(swapped.code == 0);
  CHECK(holds(swapped.out, "the label is column 2, the text column 1; no header"));
  cli.write("three.tsv", "1\tham\tone\n2\tspam\ttwo\n3\tham\tone\n4\tspam\ttwo\n5\tham\tone\n");
  const Outcome three = cli.run("data three.tsv");
  CHECK(three.code == 3);
  CHECK(holds(three.err,
              "say --label and --text-column with a number; there are 1 ('1'), 2 ('ham'), 3 ('one')"));
  const Outcome asked = cli.run("data three.tsv --label 2 --text-column 3");
  CHECK(asked.code == 0);
  CHECK(holds(asked.out, "left out: column 1"));
  cli.write("m.csv", "label,text\nham,\"hello, you\"\nspam,win\nham,hello\nspam,win now\nham,hi\nspam,win\n");
  const Outcome csv = cli.run("data m.csv");
  CHECK(csv.code == 0);
  CHECK(holds(csv.out, "tokens (10)"));
}

TEST_CASE("names that are not UTF-8 are refused where they come in, with what to do") {
  Cli cli;
  std::string collapse = "a,b,label\n";
  for (int i = 0; i < 20; ++i) {
    collapse += std::to_string(i) + "," + std::to_string(i % 3) + (i % 2 == 0 ? ",M\xf6r\n" : ",M\xe4r\n");
  }
  cli.write("collapse.csv", collapse);
  cli.write("collapse.tsv", "M\xf6r\tone\nM\xe4r\ttwo\n");
  for (const std::string file : {"collapse.csv", "collapse.tsv"}) {
    const std::string model = file.ends_with("csv") ? "mlp" : "textcnn";
    const Outcome outcome = cli.run("train --model " + model + " --data " + file + " --epochs 1");
    INFO(outcome.err);
    CHECK(outcome.code == 3);
    CHECK(outcome.error_lines() == 1);
    CHECK(holds(outcome.err,
                file + ", line " + (file.ends_with("csv") ? "2" : "1") + ": the byte \\xf6 is not UTF-8"));
    CHECK(holds(outcome.err, "iconv -f LATIN1 -t UTF-8"));
    CHECK_FALSE(cli.has("runs"));
  }
  // Two names that are UTF-8 and nearly alike stay two.
  std::string near = collapse;
  for (std::size_t at; (at = near.find('\xf6')) != std::string::npos;) near.replace(at, 1, "\xc3\xb6");
  for (std::size_t at; (at = near.find('\xe4')) != std::string::npos;) near.replace(at, 1, "o\xcc\x88");
  cli.write("near.csv", near);
  REQUIRE(cli.run("train --model mlp --data near.csv --epochs 1 --run near").code == 0);
  const std::vector<Json> eval =
      json_lines(cli.run("eval --weights runs/near/best.safetensors --data near.csv --split all --json"));
  CHECK(eval.at(0).at("samples") == 20);
  CHECK(eval.at(0).at("classes").size() == 2);
}

TEST_CASE("--split all answers in the order of the file, whatever parts were drawn") {
  Cli cli;
  std::string csv = "a,b,label\n";
  std::string tsv;
  std::string cifar;
  std::vector<std::string> labels;
  for (int i = 0; i < 45; ++i) {
    labels.push_back(i * 7 % 5 < 2 ? "no" : "yes");
    csv += std::to_string(i) + "," + std::to_string(i % 3) + "," + labels.back() + "\n";
    tsv += labels.back() + "\ttext " + std::to_string(i) + "\n";
    cifar += static_cast<char>(labels.back() == "no" ? 0 : 1) + std::string(3072, static_cast<char>(i));
  }
  cli.write("d.csv", csv);
  cli.write("d.tsv", tsv);
  cli.write("data_batch_1.bin", cifar);
  const auto check = [&](const std::string& model, const std::string& data, const std::string& no) {
    REQUIRE(cli.run("train --epochs 1 --run " + model + " --model " + model + " --data " + data).code == 0);
    const Outcome outcome =
        cli.run("predict --json --split all --weights runs/" + model + "/last.safetensors --data " + data);
    const std::vector<Json> answers = json_lines(outcome);
    REQUIRE(answers.size() == labels.size() + 1);  // and the result
    for (std::size_t i = 0; i < labels.size(); ++i) {
      CHECK(answers[i].at("index") == i);
      CHECK((answers[i].at("label") == no) == (labels[i] == "no"));
    }
  };
  check("mlp", "d.csv", "no");
  check("textcnn", "d.tsv", "no");
  check("cnn", "cifar10:data_batch_1.bin", "0");
}

TEST_CASE("a run is called after what its data is, however that is written") {
  Cli cli;
  std::string csv = "a,b,label\n";
  for (int i = 0; i < 40; ++i)
    csv += std::to_string(i) + "," + std::to_string(i % 3) + "," + std::to_string(i % 2) + "\n";
  const std::string long_name(240, 'n');
  for (const std::string folder :
       {"set", "...", "--", "-. -", "two words", "caf\xc3\xa9", "caf\xe9", "a\tb"}) {
    cli.write(folder + "/train.csv", csv);
    cli.write(folder + "/test.csv", csv);
  }
  cli.write(long_name + ".csv", csv);
  cli.write("train.csv", csv);
  cli.write("test.csv", csv);
  const auto run_of = [&](const std::string& spec) {
    const Outcome outcome = cli.run("train --model mlp --epochs 1 --data", {spec});
    INFO(spec << "\n" << outcome.err);
    CHECK(outcome.code == 0);
    const std::size_t at = outcome.err.find("runs/mlp-");
    CHECK(at != std::string::npos);
    return at == std::string::npos ? "" : outcome.err.substr(at, outcome.err.find_first_of(" \n;", at) - at);
  };
  CHECK(run_of("set") == "runs/mlp-set-1");
  CHECK(run_of("set/.") == "runs/mlp-set-1-2");
  CHECK(run_of("set/") == "runs/mlp-set-1-3");
  CHECK(run_of("./set/../set//") == "runs/mlp-set-1-4");
  CHECK(run_of("...") == "runs/mlp-data-1");
  const std::string here = run_of(".");
  CHECK(here.size() > std::string("runs/mlp--1").size());
  CHECK(run_of("set/..") == here + "-2");
  CHECK(run_of("csv:./--") == "runs/mlp-data-1-2");
  CHECK(run_of("csv:-. -") == "runs/mlp-data-1-3");
  CHECK(run_of("two words") == "runs/mlp-two-words-1");
  CHECK(run_of("caf\xc3\xa9") == "runs/mlp-caf\xc3\xa9-1");
  CHECK(run_of("caf\xe9") == "runs/mlp-caf-xe9-1");
  CHECK(run_of("a\tb") == "runs/mlp-a-x09b-1");
  CHECK(run_of(long_name + ".csv").starts_with("runs/mlp-nnn"));
}

}  // namespace
