// firn export: what it writes is the same network for every other verb, and what is wrong is one sentence.
#include <doctest/doctest.h>

#include <string>
#include <tuple>

#include "tests/layers/foreign_write.h"
#include "tests/tools/cli_program.h"

namespace {

using namespace firn::test;

/// The first line of what eval says.
std::string judged(Cli& cli, const std::string& weights) {
  const Outcome outcome = cli.run("eval --data digits --weights " + weights);
  REQUIRE_MESSAGE(outcome.code == 0, outcome.err);
  return outcome.out;
}

std::string logits_of(Cli& cli, const std::string& weights) {
  const Outcome outcome =
      cli.run("predict --data digits --split test --logits l.npy -q --weights " + weights);
  REQUIRE_MESSAGE(outcome.code == 0, outcome.err);
  return cli.read("l.npy");
}

}  // namespace

TEST_CASE("a run goes out as ONNX and as safetensors and comes back with the same bits of logits") {
  Cli cli;
  REQUIRE(cli.run("train --data digits --epochs 1 --run a -q --model").code == 2);
  REQUIRE(cli.run("train --data digits --epochs 1 --run a -q --model",
                  {"conv 4 3x3 no_bias, norm, relu, pool 2, residual { conv 4 3x3, norm }, dense"})
              .code == 0);
  Outcome outcome = cli.run("export runs/a -o a.onnx");
  REQUIRE_MESSAGE(outcome.code == 0, outcome.err);
  CHECK(outcome.out.find("a.onnx: network of 13 tensors") != std::string::npos);
  REQUIRE(cli.run("export runs/a -o a.safetensors").code == 0);
  const std::string before = logits_of(cli, "runs/a");
  CHECK(logits_of(cli, "a.onnx") == before);
  CHECK(logits_of(cli, "a.safetensors") == before);
  CHECK(judged(cli, "a.onnx") == judged(cli, "runs/a"));

  outcome = cli.run("export runs/a --fold -o folded.onnx");
  CHECK(outcome.out.find("2 of 2 batch norms folded") != std::string::npos);
  CHECK(judged(cli, "folded.onnx").substr(0, 20) == judged(cli, "runs/a").substr(0, 20));
  // Again from what was written: the same file.
  REQUIRE(cli.run("export a.onnx -o b.onnx").code == 0);
  CHECK(cli.read("b.onnx") == cli.read("a.onnx"));
  // To stdout, what is said goes to stderr.
  outcome = cli.run("export a.onnx -o - --format onnx");
  CHECK(outcome.code == 0);
  CHECK(outcome.out == cli.read("a.onnx"));
  // It is learned on as the run itself.
  CHECK(cli.run("finetune --weights a.onnx --data digits --labels 5 --epochs 1 --run t -q").code == 0);
  CHECK(cli.run("inspect a.onnx").out.find("residual") != std::string::npos);
}

TEST_CASE("models by name, texts and networks of other programs are exported too") {
  Cli cli;
  Outcome outcome = cli.run("export textlstm -o t.onnx");
  REQUIRE_MESSAGE(outcome.code == 0, outcome.err);
  CHECK(outcome.err.find("there are no weights") != std::string::npos);
  CHECK(cli.run("explain --weights t.onnx").code == 0);
  outcome = cli.run("export -o own.onnx --input 4 --classes 2", {"dense 3, relu, dense"});
  REQUIRE_MESSAGE(outcome.code == 0, outcome.err);
  cli.write("net.pt2", pt2(small_pt2()));
  outcome = cli.run("export net.pt2 -o net.onnx");
  REQUIRE_MESSAGE(outcome.code == 0, outcome.err);
  CHECK(cli.run("inspect --weights net.onnx").out.find("net.conv") != std::string::npos);
}

TEST_CASE("what export cannot do is one sentence") {
  Cli cli;
  for (const auto& [words, code, part] : {
           std::tuple{"export cnn", 2, "-o FILE is needed"},
           std::tuple{"export cnn -o model.bin", 2, "neither .onnx nor .safetensors"},
           std::tuple{"export cn -o m.onnx", 4, "cn"},
           std::tuple{"export none.safetensors -o m.onnx", 4, "none.safetensors"},
           std::tuple{"export -o m.onnx", 2, "--model is needed"},
           std::tuple{"export cnn --model mlp -o m.onnx", 2, "beside --model"},
           std::tuple{"export cnn -o nowhere/m.onnx", 1, "nowhere"},
       }) {
    CAPTURE(std::string(words));
    const Outcome outcome = cli.run(words);
    CHECK(outcome.code == code);
    CHECK_MESSAGE(outcome.error_lines() == 1, outcome.err);
    CHECK_MESSAGE(outcome.err.find(part) != std::string::npos, outcome.err);
  }
  CHECK(cli.files().empty());
}
