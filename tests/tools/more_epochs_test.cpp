// The same command with more epochs: it goes on with the run, to the bytes of one that had them from the
// start.
#include <doctest/doctest.h>
#include <signal.h>

#include "tests/tools/same_runs.h"

using namespace firn::test;

namespace {

bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

const std::string kSome = "train --model mlp --data digits --labels 30 --batch 16 --schedule constant ";

}  // namespace

TEST_CASE("more epochs go on to the bytes of a run that had them from the start") {
  Cli origin;
  REQUIRE(origin.run("train --model cnn --data digits --labels 20 --epochs 1 --run from").code == 0);
  const std::string weights = "finetune --weights " + origin.path("runs/from/last.safetensors") +
                              " --data digits --labels 20 --schedule constant ";
  const std::string cnn = "train --model cnn --data digits --labels 20 --batch 32 --schedule ";
  const std::string commands[] = {
      kSome + "--optimizer adam --betas 0.8,0.99 --epsilon 1e-6 --augment shift:1",
      cnn + "step:9:0.7,warm-up:4 --momentum 0.8",
      cnn + "constant --freeze half --thaw 3:conv2 --thaw-warm-up 3",
      cnn + "constant --policy gradual --checkpoint-every 2",
      cnn + "constant --policy lp-ft,probe=2,schedule=run --validation none",
      weights,
  };
  for (const std::string& command : commands) {
    CAPTURE(command);
    Cli cli;
    REQUIRE(cli.run(command + " --epochs 5 --run whole").code == 0);
    REQUIRE(cli.run(command + " --epochs 2 --run part").code == 0);
    const Outcome rest = cli.run(command + " --epochs 5 --run part");
    INFO(rest.err);
    CHECK(rest.code == 0);
    CHECK(holds(rest.err, "runs/part goes on in epoch 3, behind step"));
    check_same_runs(cli, "whole", "part");
    CHECK(holds(cli.read("runs/part/config.json"), "\"epochs\":5"));
    const Outcome again = cli.run(command + " --epochs 5 --run part");
    CHECK(again.code == 2);
    CHECK(holds(again.err, "holds a finished run of this command"));
  }
}

TEST_CASE("patience and the best epoch go on with a run, which may be over already") {
  Cli cli;
  const std::string command = kSome + "--rate 0.2 --patience 3 ";
  REQUIRE(cli.run(command + "--epochs 60 --run whole").code == 0);
  REQUIRE(holds(cli.read("runs/whole/metrics.jsonl"), "\"stopped_early\":true"));
  for (const char* epochs : {"1", "4", "60"})
    REQUIRE(cli.run(command + "--epochs " + epochs + " --run part").code == 0);
  check_same_runs(cli, "whole", "part");
}

TEST_CASE("without a name the first folder of the command goes on; killed on the way it goes on again") {
  Cli cli;
  REQUIRE(cli.run(kSome + "--epochs 200 --run whole").code == 0);
  REQUIRE(cli.run(kSome + "--epochs 2").code == 0);
  const std::string before = cli.read("runs/mlp-digits-1/metrics.jsonl");
  const pid_t process = cli.start(kSome + "--epochs 200");
  for (int i = 0; i < 3000 && cli.read("runs/mlp-digits-1/metrics.jsonl") == before; ++i) wait_ms(5);
  kill(process, SIGKILL);
  cli.wait(process);
  const Outcome rest = cli.run(kSome + "--epochs 200");
  CHECK(rest.code == 0);
  CHECK_FALSE(cli.has("runs/mlp-digits-1-2"));
  check_same_runs(cli, "whole", "mlp-digits-1");
}

TEST_CASE("rates that depend on the number of epochs are no beginning, and what to do is said") {
  Cli cli;
  const std::string train = "train --model cnn --data digits --labels 10 ";
  const std::string rates = "the rates of its schedule depend on the number of epochs";
  const std::string policy = "what its policy decides depends on the number of epochs";
  for (const auto& [options, reason] : {std::pair{"--schedule cosine", rates},
                                        {"--schedule one-cycle", rates},
                                        {"--schedule constant --policy lp-ft", policy},
                                        {"--schedule constant --policy freezeout", policy}}) {
    CAPTURE(options);
    REQUIRE(cli.run(train + options + " --epochs 2 --run x --overwrite").code == 0);
    const std::string old = cli.read("runs/x/last.safetensors");
    const Outcome more = cli.run(train + options + " --epochs 3 --run x");
    CHECK(more.code == 2);
    CHECK(more.error_lines() == 1);
    CHECK(holds(more.err, "runs/x is there already, of 2 epochs, and does not go on to 3: " + reason));
    CHECK(holds(more.err, "--weights runs/x/last.safetensors --run NAME trains on from its end"));
    CHECK(cli.read("runs/x/last.safetensors") == old);
  }
  const Outcome fewer = cli.run(train + "--schedule constant --policy freezeout --epochs 1 --run x");
  CHECK(fewer.code == 2);
  CHECK(holds(fewer.err, "does not go on to 1: there are more of them"));
  REQUIRE(cli.run(train + "--epochs 1").code == 0);
  const Outcome numbered = cli.run(train + "--epochs 2");
  CHECK(numbered.code == 0);
  CHECK(holds(numbered.err, "runs/cnn-digits-1 is of 1 epochs and does not go on to 2: " + rates));
  CHECK(cli.has("runs/cnn-digits-1-2/last.safetensors"));
}
