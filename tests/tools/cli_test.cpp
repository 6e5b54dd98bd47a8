// The program firn, verb by verb, on the embedded digits.
#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "engine/tensor/safetensors.h"
#include "tests/tools/cli_program.h"

namespace {

using firn::test::Cli;
using firn::test::Outcome;
using Json = nlohmann::json;

/// Every line of stdout as JSON with the schema's version.
std::vector<Json> json_lines(const Outcome& outcome) {
  std::vector<Json> all;
  for (const std::string& line : outcome.lines()) {
    all.push_back(Json::parse(line));
    CHECK(all.back().at("schema") == 1);
  }
  return all;
}

std::vector<Json> of_kind(const std::vector<Json>& lines, const std::string& kind) {
  std::vector<Json> some;
  for (const Json& line : lines) {
    if (line.at("kind") == kind) some.push_back(line);
  }
  return some;
}

/// What a run keeps is what it printed; of the result what concerns the printing is left out.
void check_same_records(const std::string& kept, const std::string& printed) {
  const std::size_t result = printed.rfind("{\"schema\":1,\"kind\":\"result\"");
  REQUIRE(result != std::string::npos);
  CHECK(kept.substr(0, result) == printed.substr(0, result));
  Json last = Json::parse(printed.substr(result));
  last.erase("verb");
  last.erase("records");
  last.erase("ranks");  // a run is the same whoever made it
  last.erase("bytes_sent");
  last.erase("waiting_share");
  CHECK(Json::parse(kept.substr(result)) == last);
}

/// A trained network in runs/a.
void train_small(Cli& cli, const std::string& more = "") {
  const Outcome outcome = cli.run("train --model mlp --data digits --epochs 2 --run a --json " + more);
  INFO(outcome.err);
  REQUIRE(outcome.code == 0);
}

TEST_CASE("help begins with examples, for every verb") {
  Cli cli;
  for (const std::string verb : {"train", "eval", "predict", "inspect", "explain", "data", "doctor"}) {
    const Outcome outcome = cli.run(verb + " --help");
    CAPTURE(verb);
    CHECK(outcome.code == 0);
    CHECK(outcome.out.starts_with("Examples\n  firn " + verb));
    CHECK(outcome.out.find("--json") != std::string::npos);
    CHECK(cli.run("--help").out.find("\n  " + verb) != std::string::npos);
  }
  CHECK(cli.run("--version").out.starts_with("firn "));
  CHECK(cli.run("").code == 2);
}

TEST_CASE("train prints an epoch a line and leaves a whole run folder") {
  Cli cli;
  const Outcome outcome = cli.run("train --model mlp --data digits --epochs 3 --run a --json");
  CHECK(outcome.code == 0);
  const std::vector<Json> epochs = json_lines(outcome);
  REQUIRE(epochs.size() == 4);  // and the result
  for (const char* field : {"epoch", "loss", "validation_accuracy", "seconds", "eval_seconds", "rss_mb"}) {
    CHECK(epochs[0].at(field).is_number());
  }
  CHECK(epochs[2].at("loss").get<double>() < epochs[0].at("loss").get<double>());
  CHECK(epochs[2].at("validation_accuracy").get<double>() > 0.7);
  CHECK(cli.files() ==
        std::vector<std::string>{"runs/a/best.safetensors", "runs/a/config.json", "runs/a/confusion.json",
                                 "runs/a/env.json", "runs/a/last.safetensors", "runs/a/metrics.jsonl",
                                 "runs/a/report.html", "runs/a/results.csv", "runs/a/samples.json"});
  check_same_records(cli.read("runs/a/metrics.jsonl"), outcome.out);
  CHECK(Json::parse(cli.read("runs/a/config.json")).at("training").at("optimizer") == "sgd");
  const Json environment = Json::parse(cli.read("runs/a/env.json"));
  for (const char* field : {"seed", "version", "commit", "compiler", "isa", "threads", "train_sha256"}) {
    CHECK(environment.contains(field));
  }
}

TEST_CASE(
    "the same seed gives the same bytes on other numbers of threads, and no run is overwritten unasked") {
  Cli cli;
  CHECK(cli.run("train --model mlp --data digits --epochs 1 --threads 1").code == 0);
  CHECK(cli.run("train --model mlp --data digits --epochs 1 --threads 3").code == 0);
  const std::string first = cli.read("runs/mlp-digits-1/last.safetensors");
  CHECK(first.size() > 1000);
  CHECK(first == cli.read("runs/mlp-digits-1-2/last.safetensors"));
  CHECK(cli.run("train --model mlp --data digits --epochs 1 --seed 2 --run mlp-digits-1 --overwrite").code ==
        0);
  CHECK(first != cli.read("runs/mlp-digits-1/last.safetensors"));
  CHECK(cli.run("train --model mlp --data digits --epochs 1 --no-run -q").err.empty());
  CHECK(cli.files().size() == 18);
}

TEST_CASE("a deep network without batch norm learns sooner from he's start") {
  Cli cli;
  const auto accuracy = [&](const std::string& init) {
    const Outcome outcome = cli.run(
        "train --model doodlenet --data digits --epochs 1 --optimizer adam --rate 1e-3 --no-run --json "
        "--init " +
        init);
    INFO(outcome.err);
    REQUIRE(outcome.code == 0);
    return json_lines(outcome).at(0).at("validation_accuracy").get<double>();
  };
  CHECK(accuracy("he") > accuracy("pytorch") + 0.15);
}

TEST_CASE("eval and predict agree with what training said") {
  Cli cli;
  train_small(cli);
  const std::string metrics = cli.read("runs/a/metrics.jsonl");
  const Json result = Json::parse(metrics.substr(metrics.rfind('\n', metrics.size() - 2)));
  const std::string with = " --weights runs/a/best.safetensors --data digits --json";
  const std::vector<Json> eval = json_lines(cli.run("eval" + with));
  REQUIRE(eval.size() == 1);
  CHECK(eval[0].at("samples") == 360);
  CHECK(eval[0].at("accuracy") == result.at("test_accuracy"));
  CHECK(eval[0].at("classes").size() == 10);

  const Outcome predicted = cli.run("predict" + with + " --top 2 --logits logits.npy");
  const std::vector<Json> answers = of_kind(json_lines(predicted), "prediction");
  REQUIRE(answers.size() == 360);
  int right = 0;
  for (const Json& answer : answers) {
    CHECK(answer.at("top").size() == 2);
    right += answer.at("top")[0].at("class") == answer.at("label") ? 1 : 0;
  }
  CHECK(right / 360.0 == doctest::Approx(eval[0].at("accuracy").get<double>()));
  const std::string npy = cli.read("logits.npy");
  CHECK(npy.find("'shape': (360, 10)") != std::string::npos);
  CHECK(npy.size() == 128 + 360 * 10 * 4);
  CHECK(json_lines(cli.run("predict --split all" + with)).back().at("samples") == 1797);
}

TEST_CASE("a frozen part in bf16: eval says what it costs, explain shows it, training takes it") {
  Cli cli;
  train_small(cli);
  const std::string with = "eval --weights runs/a/last.safetensors --data digits";
  const std::vector<Json> plain = json_lines(cli.run(with + " --json"));
  const std::vector<Json> eval = json_lines(cli.run(with + " --frozen-precision bf16 --json"));
  REQUIRE(eval.size() == 1);
  CHECK(eval[0].at("accuracy") == plain[0].at("accuracy"));
  CHECK(!plain[0].contains("bf16_accuracy"));
  CHECK(std::abs(eval[0].at("bf16_accuracy").get<double>() - eval[0].at("accuracy").get<double>()) < 0.03);
  CHECK(eval[0].at("bf16_loss") != eval[0].at("loss"));
  CHECK(eval[0].at("bf16_largest_difference").get<double>() > 1e-5);
  CHECK(eval[0].at("bf16_largest_difference").get<double>() < 1);
  CHECK(cli.run(with + " --frozen-precision bf16").out.find("in bf16   accuracy 0.") != std::string::npos);

  const std::string predict = "predict --weights runs/a/last.safetensors --data digits --json ";
  CHECK(cli.run(predict + "--logits whole.npy").code == 0);
  const Outcome low = cli.run(predict + "--frozen-precision bf16 --logits low.npy");
  CHECK(low.code == 0);
  CHECK(low.err.find("computed in bf16 (--frozen-precision bf16)") != std::string::npos);
  CHECK(cli.read("low.npy").size() == cli.read("whole.npy").size());
  CHECK(cli.read("low.npy") != cli.read("whole.npy"));
  CHECK(cli.run(predict + "--frozen-precision bf16 --exact").code == 2);

  const std::string explain = "explain --model cnn --data digits --frozen-precision bf16 --freeze ";
  CHECK(cli.run(explain + "head").out.find("->bf16") != std::string::npos);
  CHECK(cli.run(explain + "none").out.find("bf16") == std::string::npos);
  const Outcome trained = cli.run(
      "train --model cnn --data digits --epochs 1 --freeze head --frozen-precision bf16 --run low --seed 3");
  CHECK(trained.code == 0);
  CHECK(trained.err.find("computed in bf16 (--frozen-precision bf16)") != std::string::npos);
  CHECK(Json::parse(cli.read("runs/low/config.json")).dump().find("\"frozen_precision\":\"bf16\"") !=
        std::string::npos);
}

TEST_CASE("training in bf16: explain shows it, train says it and what the weights come to in fp32") {
  Cli cli;
  const std::string explain = "explain --model cnn --data digits --precision ";
  const std::string listing = cli.run(explain + "bf16").out;
  for (const char* what : {"bf16->bf16", "bf16->fp32"}) CHECK(listing.find(what) != std::string::npos);
  CHECK(cli.run(explain + "fp32").out.find("bf16") == std::string::npos);

  const Outcome trained =
      cli.run("train --model cnn --data digits --epochs 1 --precision bf16 --run low --seed 3");
  CHECK(trained.code == 0);
  CHECK(trained.err.find("computed in bf16 (--precision bf16)") != std::string::npos);
  CHECK(trained.err.find("precision: in bf16: validation accuracy 0.") != std::string::npos);
  CHECK(Json::parse(cli.read("runs/low/config.json")).dump().find("\"precision\":\"bf16\"") !=
        std::string::npos);
  const std::vector<Json> lines = json_lines(
      cli.run("train --model cnn --data digits --epochs 1 --precision bf16 --no-run --seed 3 --json"));
  const auto said = std::find_if(lines.begin(), lines.end(),
                                 [](const Json& line) { return line.value("kind", "") == "precision"; });
  REQUIRE(said != lines.end());
  CHECK(std::abs(said->at("bf16_accuracy").get<double>() - said->at("fp32_accuracy").get<double>()) < 0.03);
  CHECK(said->at("bf16_loss") != said->at("fp32_loss"));
}

TEST_CASE("text: a word is answered by weights that carry their vocabulary") {
  Cli cli;
  std::string lines;
  for (int i = 0; i < 40; ++i) {
    lines += "vowels\t" + std::string(static_cast<std::size_t>(1 + i % 5), "aeiou"[i % 5]) + "\n";
    lines += "others\t" + std::string(static_cast<std::size_t>(1 + i % 5), "bcdfg"[i % 5]) + "\n";
  }
  cli.write("letters.tsv", lines);
  REQUIRE(
      cli.run("train --model textlstm --data letters.tsv --epochs 12 --batch 8 --rate 0.01 --run t").code ==
      0);
  const std::vector<Json> answers = of_kind(
      json_lines(cli.run("predict --weights runs/t/best.safetensors --json --text aaa bb")), "prediction");
  REQUIRE(answers.size() == 2);
  CHECK(answers[0].at("top")[0].at("class") == "vowels");
  CHECK(answers[1].at("top")[0].at("class") == "others");
  // What is not in the vocabulary is said and passed over.
  const Outcome unknown = cli.run("predict --weights runs/t/best.safetensors --json --text a?a?x");
  CHECK(unknown.code == 0);
  CHECK(json_lines(unknown).at(0).at("top")[0].at("class") == "vowels");
  CHECK(unknown.err.find("3 characters (2 different: '?', 'x') are not in the vocabulary and passed over") !=
        std::string::npos);
}

TEST_CASE("frozen blocks keep their bytes, and train until a thaw") {
  Cli cli;
  train_small(cli);
  const std::string from = "train --model mlp --data digits --epochs 2 --weights runs/a/last.safetensors ";
  const Outcome frozen = cli.run(from + "--freeze head --run head");
  CHECK(frozen.code == 0);
  CHECK(frozen.err.find("frozen") != std::string::npos);
  CHECK(frozen.err.find("--bn frozen") != std::string::npos);
  CHECK(cli.run(from + "--freeze head --thaw 2:fc2 --run thawed").code == 0);
  const auto load = [&](const std::string& run) {
    return firn::load_safetensors(cli.path("runs/" + run + "/last.safetensors")).tensors;
  };
  const auto before = load("a");
  const auto after = load("head");
  const auto thawed = load("thawed");
  REQUIRE(before.size() == after.size());
  for (std::size_t i = 0; i < before.size(); ++i) {
    const std::string& name = before[i].name;
    CAPTURE(name);
    REQUIRE(after[i].name == name);
    const auto same = [&](const firn::NamedTensor& t) {
      const auto a = before[i].tensor.values();
      const auto b = t.tensor.values();
      return std::equal(a.begin(), a.end(), b.begin(), b.end());
    };
    CHECK(same(after[i]) == !name.starts_with("fc3"));
    CHECK(same(thawed[i]) == name.starts_with("fc1"));
  }
}

TEST_CASE("a policy says what it will do and what it did, and what --freeze froze stays frozen") {
  Cli cli;
  const std::string from = "train --model mlp --data digits --epochs 3 ";
  const Outcome plain =
      cli.run(from + "--policy gradual --frozen-state decay:0.5 --thaw-warm-up 3 --run plain");
  CHECK(plain.code == 0);
  CHECK(plain.err.find("policy gradual: one more of 3 blocks") != std::string::npos);
  CHECK(plain.err.find("step 0, epoch 1: freezes fc1, fc2; 1 of 3 blocks train") != std::string::npos);
  CHECK(plain.err.find("thaws fc2; 2 of 3 blocks train") != std::string::npos);
  CHECK(plain.err.find("4 changes of a block; 66.7 % of the blocks trained") != std::string::npos);
  const Json config = Json::parse(cli.read("runs/plain/config.json"));
  CHECK(config.at("policy").at("policy") == "gradual");
  CHECK(config.at("policy").at("frozen_state") == "decay:0.5");

  const Outcome json = cli.run(from + "--policy gradual --freeze 1 --json --run part");
  CHECK(json.code == 0);
  std::vector<Json> changes, epochs;
  for (const Json& line : json_lines(json)) {
    if (line.at("kind") == "freeze_change") changes.push_back(line);
    if (line.at("kind") == "epoch") epochs.push_back(line);
  }
  REQUIRE(changes.size() == 2);  // fc2 alone comes and goes
  CHECK(changes[0].at("name") == "fc2");
  CHECK(changes[0].at("frozen") == true);
  CHECK(changes[1].at("frozen") == false);
  CHECK(changes[1].at("epoch") == 2);
  CHECK(changes[1].at("step") == 19);
  REQUIRE(epochs.size() == 3);
  CHECK(epochs[0].at("trained_share").get<double>() == doctest::Approx(1.0 / 3));
  CHECK(epochs[2].at("trained_share").get<double>() == doctest::Approx(2.0 / 3));
  check_same_records(cli.read("runs/part/metrics.jsonl"), json.out);
}

/// A table of ten rows for each of `classes` classes.
std::string csv_of(int classes) {
  std::string csv = "f,g,h,label\n";
  for (int i = 0; i < 10 * classes; ++i) {
    const int c = i % classes;
    csv += std::to_string(c + i % 5) + "," + std::to_string(c * c) + "," + std::to_string(i % 7) + "," +
           std::to_string(c) + "\n";
  }
  return csv;
}

TEST_CASE("weights for other classes want --replace-head") {
  Cli cli;
  cli.write("three.csv", csv_of(3));
  cli.write("four.csv", csv_of(4));
  REQUIRE(cli.run("train --model mlp --data three.csv --epochs 1 --run three").code == 0);
  const std::string from =
      "train --data four.csv --epochs 1 --weights runs/three/last.safetensors --run four";
  const Outcome refused = cli.run(from);
  CHECK(refused.code == 2);
  CHECK(refused.err.find("--replace-head") != std::string::npos);
  CHECK_FALSE(cli.has("runs/four"));
  CHECK(cli.run(from + " --replace-head --freeze head").code == 0);
}

TEST_CASE("inspect adds up") {
  Cli cli;
  const std::vector<Json> lines = json_lines(cli.run("inspect --model cnn --data digits --json"));
  const std::vector<Json> totals = of_kind(lines, "result");
  REQUIRE(totals.size() == 1);
  long parameters = 0;
  double macs = 0;
  for (const Json& block : of_kind(lines, "block")) {
    parameters += block.at("parameters").get<long>();
    macs += block.at("macs_forward").get<double>();
  }
  CHECK(parameters == totals[0].at("parameters"));
  CHECK(macs == totals[0].at("macs_forward"));
  CHECK(totals[0].at("trainable") == totals[0].at("parameters"));
  CHECK(cli.run("inspect --model cnn --input 28,28,1 --freeze half").code == 0);

  // The forecast of a step: blocks and passes add up, and what is frozen takes no time.
  double in_blocks = 0;
  for (const Json& block : of_kind(lines, "block")) in_blocks += block.at("ms_weight_gradient").get<double>();
  const Json& total = totals[0];
  CHECK(in_blocks == doctest::Approx(total.at("ms_weight_gradient").get<double>()));
  double parts = 0;
  for (const char* part :
       {"ms_forward", "ms_input_gradient", "ms_weight_gradient", "ms_optimizer", "ms_waiting"})
    parts += total.at(part).get<double>();
  CHECK(parts == doctest::Approx(total.at("ms").get<double>()));
  CHECK(total.at("ms_optimizer") > 0);
  CHECK(total.at("resident_bytes") > total.at("bytes"));
  CHECK(total.at("bytes") >= total.at("arena_bytes"));
  const std::vector<Json> head =
      json_lines(cli.run("inspect --model cnn --data digits --freeze head --json"));
  for (const Json& block : of_kind(head, "block")) {
    CHECK((block.at("ms_weight_gradient") > 0) == (block.at("name") == "fc2"));
    CHECK(block.at("ms_forward") > 0);
  }
  CHECK(of_kind(head, "result")[0].at("ms") < total.at("ms"));
  CHECK(of_kind(head, "result")[0].at("state_bytes") < total.at("state_bytes"));
  CHECK(cli.run("inspect --model cnn --data digits --threads 1").out.find("predicted: ") !=
        std::string::npos);
  train_small(cli);
  const std::vector<Json> tensors = json_lines(cli.run("inspect runs/a/best.safetensors --json"));
  CHECK(of_kind(tensors, "tensor").size() == 6);
  CHECK(tensors.back().at("metadata").at("firn.model") == "mlp");
}

TEST_CASE("explain --freeze head lists no gradient below the head, and says why") {
  Cli cli;
  const std::vector<Json> lines =
      json_lines(cli.run("explain --model cnn --data digits --freeze head --json"));
  int gradients = 0;
  for (const Json& step : of_kind(lines, "step")) {
    if (step.at("pass") == "forward") continue;
    ++gradients;
    CHECK((step.at("block") == 3 || step.at("block") == -1));
  }
  CHECK(gradients > 0);
  CHECK(of_kind(lines, "left_out").size() >= 6);
  CHECK(lines.back().at("total").at("macs_weight_gradient").get<double>() <
        lines.back().at("total_without_freeze").at("macs_weight_gradient").get<double>());
  const Outcome text = cli.run("explain --model cnn --data digits --freeze head");
  CHECK(text.out.find("left out") != std::string::npos);
  CHECK(text.out.find("not frozen") != std::string::npos);
  CHECK(cli.run("explain --model cnn --freeze all").code == 0);
}

TEST_CASE("a part of a tensor is frozen, thawed, and named with what it saves") {
  Cli cli;
  const std::string freeze = " --freeze conv2.weight[0:48] ";
  const Outcome explained = cli.run("explain --model cnn --input 28,28,1 --classes 10" + freeze);
  REQUIRE(explained.code == 0);
  CHECK(
      explained.err.find("conv2.weight (64,32,3,3): 48 of 64 channels frozen; 4608 of 18432 numbers train") !=
      std::string::npos);
  CHECK(explained.out.find("3x3 32->16 pad 1 of 64") != std::string::npos);
  CHECK(explained.out.find("gradient of conv2.weight, 48 of 64 channels frozen") != std::string::npos);

  const std::vector<Json> part = json_lines(cli.run("inspect --model cnn --data digits --json" + freeze));
  const std::vector<Json> whole = json_lines(cli.run("inspect --model cnn --data digits --json"));
  const Json model = of_kind(part, "result").at(0), full = of_kind(whole, "result").at(0);
  CHECK(model.at("freezing").at("parts").at(0).at("frozen_units") == "0:48");
  CHECK(full.at("trainable").get<int>() - model.at("trainable").get<int>() == 32 * 9 * 48);
  CHECK(model.at("macs_weight_gradient").get<double>() < full.at("macs_weight_gradient").get<double>());
  CHECK(model.at("macs_forward") == full.at("macs_forward"));

  const std::string train = "train --model cnn --data digits --epochs 2 --seed 1" + freeze;
  CHECK(cli.run(train + "--thaw 2:conv2.weight[0:8] --run parts").code == 0);
  CHECK(cli.run("inspect --model lstm --freeze lstm.*[i+f]").err.find("2 of 4 gates frozen (i+f)") !=
        std::string::npos);
}

TEST_CASE("data and doctor") {
  Cli cli;
  const std::vector<Json> digits = json_lines(cli.run("data digits --json"));
  REQUIRE(digits.size() == 1);
  CHECK(digits[0].at("train") == 1154);
  CHECK(digits[0].at("shape") == Json({8, 8, 1}));
  CHECK(json_lines(cli.run("data --json")).size() >= 10);
  CHECK(cli.run("data digits").out.find("1154 to train") != std::string::npos);
  const Outcome doctor = cli.run("doctor --json");
  CHECK(doctor.code == 0);
  CHECK(json_lines(doctor).at(0).at("ok") == true);
}

TEST_CASE("an interrupted run keeps its weights") {
  for (const auto& [signal, code] : {std::pair{SIGINT, 130}, std::pair{SIGTERM, 143}}) {
    Cli cli;
    const pid_t process =
        cli.start("train --model mlp --data digits --epochs 100000 --schedule constant --run long");
    for (int i = 0; i < 600 && !cli.has("runs/long/metrics.jsonl"); ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    CHECK(kill(process, signal) == 0);
    const Outcome outcome = cli.wait(process);
    CHECK(outcome.code == code);
    CHECK(outcome.err.find("interrupted after") != std::string::npos);
    CHECK(firn::load_safetensors(cli.path("runs/long/last.safetensors")).tensors.size() == 6);
    CHECK(cli.run("eval --weights runs/long/last.safetensors --data digits").code == 0);
  }
}

}  // namespace
