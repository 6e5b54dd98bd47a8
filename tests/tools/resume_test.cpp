// The program killed at random moments: the same command goes on, to the same bytes; firn merge.
#include <doctest/doctest.h>
#include <signal.h>

#include <chrono>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "engine/base/rng.h"
#include "engine/tensor/safetensors.h"
#include "tests/tools/same_runs.h"

using namespace firn::test;
using Json = nlohmann::json;

namespace {

const std::string kLong = "train --model mlp --data digits --epochs 100000 --schedule constant --run long ";

}  // namespace

TEST_CASE("killed at random moments a run ends with the bytes of an undisturbed one") {
  Cli origin;
  REQUIRE(origin.run("train --model cnn --data digits --labels 20 --epochs 1 --run from").code == 0);
  const std::string weights =
      "finetune --weights " + origin.path("runs/from/last.safetensors") + " --data digits ";
  const std::string cached = weights + "--epochs 60 --cache on --augment flip --checkpoint-every 7";
  const std::string policy = weights + "--policy lp-ft,probe=2 --epochs 5 --checkpoint-every 4";
  const std::string commands[] = {
      "train --model cnn --data digits --epochs 5 --augment shift:1 --checkpoint-every 3",
      ("train --model cnn --data digits --epochs 5 --policy gradual --thaw-warm-up 5 --frozen-state "
       "decay:0.9 "
       "--optimizer adam --checkpoint-every 5"),
      "train --model cnn --data digits --epochs 6 --freeze half --thaw 3:conv2 --checkpoint-every 4",
      "train --model cnn --data digits --epochs 5 --freeze conv1,conv2.weight[0:48] --checkpoint-every 4",
      "train --model mlp --data digits --epochs 6 --class-weights 1,2,3,4,5,6,7,8,9,0.5 --checkpoint-every 4",
      cached,
      policy,
  };
  firn::Random random(1, "kills");
  for (const std::string& command : commands) {
    CAPTURE(command);
    Cli cli;
    const auto begin = std::chrono::steady_clock::now();
    REQUIRE(cli.run(command + " --run whole").code == 0);
    const std::chrono::duration<double, std::milli> whole = std::chrono::steady_clock::now() - begin;
    int kills = 0;
    bool finished = false;
    for (int attempt = 0; attempt < 8 && !finished; ++attempt) {
      const pid_t process = cli.start(command + " --run part");
      // The first one as soon as it has saved something, the others at any time.
      if (attempt == 0) {
        wait_for(cli, "runs/part/checkpoint.safetensors", 1);
      } else {
        wait_ms(1 + static_cast<int>(random.uniform() * whole.count() / 2));
      }
      kill(process, SIGKILL);
      const Outcome outcome = cli.wait(process);
      INFO(outcome.err);
      // The one before may have been killed behind its last word.
      finished = outcome.code == 0 ||
                 (outcome.code == 2 &&
                  outcome.err.find("holds a finished run of this command") != std::string::npos);
      if (!finished) CHECK(outcome.code == 128 + SIGKILL);
      kills += finished ? 0 : 1;
    }
    if (!finished) CHECK(cli.run(command + " --run part").code == 0);
    CHECK(kills > 0);
    check_same_runs(cli, "whole", "part");
    for (const std::string& file : cli.files()) CHECK(file.find(".tmp") == std::string::npos);
  }
}

TEST_CASE("interrupted, a run says so and goes on; a finished one begins anew under another number") {
  for (const auto& [signal, code] : {std::pair{SIGINT, 130}, std::pair{SIGTERM, 143}}) {
    Cli cli;
    const std::string command = "train --model mlp --data digits --epochs 30 --patience 25 --threads 1";
    REQUIRE(cli.run(command + " --run whole").code == 0);
    const pid_t process = cli.start(command);
    wait_for(cli, "runs/mlp-digits-1/metrics.jsonl");
    kill(process, signal);
    const Outcome outcome = cli.wait(process);
    REQUIRE(outcome.code == code);
    CHECK(outcome.err.find("the same command goes on") != std::string::npos);
    CHECK(cli.run("eval --weights runs/mlp-digits-1/checkpoint.safetensors --data digits").code == 0);
    const Outcome rest = cli.run(command);
    CHECK(rest.code == 0);
    CHECK(rest.err.find("runs/mlp-digits-1 goes on in epoch") != std::string::npos);
    check_same_runs(cli, "whole", "mlp-digits-1");
    CHECK_FALSE(cli.has("runs/mlp-digits-1/checkpoint.safetensors"));  // it would hold everything
  }
  Cli cli;
  const std::string command = "train --model mlp --data digits --epochs 1";
  CHECK(cli.run(command).code == 0);
  const Outcome again = cli.run(command);
  CHECK(again.code == 0);
  CHECK(again.err.find("runs/mlp-digits-1 is finished: runs/mlp-digits-1-2 begins anew") !=
        std::string::npos);
  CHECK(cli.run(command + " --rate 0.2").code == 0);
  CHECK(cli.has("runs/mlp-digits-1-3/last.safetensors"));
}

TEST_CASE(
    "a run that was killed before its first checkpoint begins anew in its folder, whatever it had written") {
  Cli cli;
  const std::string command = "train --model mlp --data digits --epochs 1 --run ";
  REQUIRE(cli.run(command + "whole").code == 0);
  // In the order of their writing: the folder alone, a file half written, the config.
  REQUIRE(std::filesystem::create_directories(cli.path("runs/part")));
  cli.write("runs/part/.config.json.1-0.tmp", "{");
  CHECK(cli.run(command + "part").code == 0);
  check_same_runs(cli, "whole", "part");
  for (const auto& file : std::filesystem::directory_iterator(cli.path("runs/part"))) {
    if (file.path().filename() != "config.json") std::filesystem::remove(file.path());
  }
  CHECK(cli.run(command + "part").code == 0);
  CHECK(cli.has("runs/part/env.json"));
  check_same_runs(cli, "whole", "part");
  // A folder of somebody else's is not touched.
  cli.write("runs/part/mine.txt", "mine");
  std::filesystem::remove(cli.path("runs/part/config.json"));
  CHECK(cli.run(command + "part").code == 2);
  CHECK(cli.has("runs/part/mine.txt"));
}

TEST_CASE("before training begins a signal ends the program at once") {
  Cli cli;
  for (const int after : {20, 40, 60}) {
    const pid_t process = cli.start(kLong + "--overwrite");
    wait_ms(after);
    kill(process, SIGINT);
    CHECK(cli.wait(process).code == 130);
  }
}

TEST_CASE(
    "another command, another process, a damaged checkpoint, another base are refused and harm nothing") {
  Cli cli;
  REQUIRE(cli.run("train --model mlp --data digits --epochs 1 --run from").code == 0);
  cli.write("from.safetensors", cli.read("runs/from/last.safetensors"));
  const std::string command = kLong + "--weights from.safetensors --freeze head --checkpoint-every 5";
  const pid_t process = cli.start(command);
  wait_for(cli, "runs/long/checkpoint.safetensors");
  const Outcome beside = cli.run(command);
  CHECK(beside.code == 2);
  CHECK(beside.err.find("in use by another process") != std::string::npos);
  kill(process, SIGKILL);
  cli.wait(process);

  const Outcome other = cli.run(command + " --rate 0.01");
  CHECK(other.code == 2);
  CHECK(other.err.find("training.rate is 0.05, not 0.01") != std::string::npos);

  const std::string path = "runs/long/checkpoint.safetensors";
  const std::string good = cli.read(path);
  std::filesystem::remove(cli.path("runs/long/checkpoint.previous.safetensors"));
  for (const std::string& bad : {good.substr(0, good.size() - 7),
                                 good.substr(0, good.size() / 2) + "x" + good.substr(good.size() / 2 + 1),
                                 cli.read("from.safetensors"), std::string()}) {
    cli.write(path, bad);
    const Outcome outcome = cli.run(command);
    CHECK(outcome.code == 4);
    CHECK(outcome.error_lines() >= 1);
    CHECK(outcome.err.find("--overwrite begins the run anew") != std::string::npos);
    CHECK(cli.read(path) == bad);
    CHECK(cli.run("eval --data digits --weights " + path).code ==
          (bad == cli.read("from.safetensors") ? 0 : 4));
  }
  cli.write(path, good);
  // A link leads to the base, which someone changes.
  const std::string base = cli.read("from.safetensors");
  CHECK(cli.run("merge " + path + " -o whole.safetensors").code == 0);
  CHECK(cli.run("merge from.safetensors " + path + " -o again.safetensors").code == 0);
  CHECK(cli.read("whole.safetensors") == cli.read("again.safetensors"));
  const Outcome wrong = cli.run("merge whole.safetensors " + path + " -o other.safetensors");
  CHECK(wrong.code == 4);
  CHECK(wrong.err.find("is not the base of") != std::string::npos);
  CHECK_FALSE(cli.has("other.safetensors"));
  cli.write("from.safetensors", cli.read("whole.safetensors"));
  CHECK(cli.run("merge " + path + " -o other.safetensors").code == 4);
  CHECK(cli.run("eval --data digits --weights " + path).code == 4);
  cli.write("kept.safetensors", base);
  CHECK(cli.run("eval --data digits --base kept.safetensors --weights " + path).code == 0);
  CHECK(cli.read(path) == good);
}

TEST_CASE("where the newest checkpoint is damaged the run says so and goes on from the one before") {
  namespace fs = std::filesystem;
  Cli cli;
  const std::string command =
      "train --model cnn --data digits --epochs 5 --freeze conv1 --checkpoint-every 2 --run ";
  REQUIRE(cli.run(command + "whole").code == 0);
  CHECK_FALSE(cli.has("runs/whole/checkpoint.previous.safetensors"));
  const pid_t process = cli.start(command + "killed");
  for (int i = 0; i < 10000 && !cli.has("runs/killed/checkpoint.previous.safetensors"); ++i) wait_ms(1);
  kill(process, SIGKILL);
  REQUIRE(cli.wait(process).code == 128 + SIGKILL);
  const std::string newest = cli.read("runs/killed/checkpoint.safetensors");
  const std::string previous = cli.read("runs/killed/checkpoint.previous.safetensors");
  int number = 0;
  const auto go_on = [&](const std::string& first, const std::string& second) {
    const std::string name = "part" + std::to_string(++number);
    fs::copy(cli.path("runs/killed"), cli.path("runs/" + name), fs::copy_options::recursive);
    // Both may be one file with two names.
    for (const char* file : {"/checkpoint.safetensors", "/checkpoint.previous.safetensors"})
      fs::remove(cli.path("runs/" + name + file));
    if (first != "none") cli.write("runs/" + name + "/checkpoint.safetensors", first);
    cli.write("runs/" + name + "/checkpoint.previous.safetensors", second);
    return cli.run(command + name);
  };
  firn::Random random(2, "damage");
  const auto flipped = [&](std::string bytes) {
    bytes[random.below(static_cast<std::uint32_t>(bytes.size()))] ^= static_cast<char>(1 << random.below(8));
    return bytes;
  };
  const auto cut = [&](const std::string& bytes) {
    return bytes.substr(0, random.below(static_cast<std::uint32_t>(bytes.size())));
  };
  for (const std::string& bad :
       {flipped(newest), flipped(newest), cut(newest), newest + "x", std::string(), std::string("none")}) {
    const Outcome outcome = go_on(bad, previous);
    CHECK(outcome.code == 0);
    CHECK(outcome.err.find("the checkpoint before it is whole") != std::string::npos);
    CHECK(outcome.err.find("goes on in epoch") != std::string::npos);
    check_same_runs(cli, "whole", "part" + std::to_string(number));
  }
  // The newest needs no other.
  const Outcome whole = go_on(newest, flipped(previous));
  CHECK(whole.code == 0);
  CHECK(whole.err.find("the checkpoint before it") == std::string::npos);
  const Outcome refused = go_on(flipped(newest), cut(previous));
  CHECK(refused.code == 4);
  CHECK(refused.err.find("/checkpoint.safetensors") != std::string::npos);
  CHECK(refused.err.find("--overwrite begins the run anew") != std::string::npos);
}

TEST_CASE("merge makes the weights that the run itself wrote, and minds its words") {
  Cli cli;
  REQUIRE(cli.run("train --model cnn --data digits --epochs 2 --freeze head --run a").code == 0);
  const Outcome merged = cli.run("merge runs/a/checkpoint.safetensors -o m.safetensors --json");
  CHECK(merged.code == 0);
  const Json line = Json::parse(merged.out);
  CHECK(line.at("tensors") == 8);
  CHECK(line.at("from_checkpoint") == 2);
  CHECK(cli.read("m.safetensors") == cli.read("runs/a/last.safetensors"));
  // The frozen share is absent.
  CHECK(cli.read("runs/a/checkpoint.safetensors").size() * 10 < cli.read("m.safetensors").size());
  CHECK(cli.run("eval --weights m.safetensors --data digits").code == 0);
  CHECK(cli.run("predict --weights runs/a/checkpoint.safetensors --data digits -q").code == 0);

  CHECK(cli.run("merge").code == 2);
  CHECK(cli.run("merge runs/a/checkpoint.safetensors").code == 2);
  CHECK(cli.run("merge m.safetensors -o n.safetensors").code == 4);
  CHECK(cli.run("merge none.safetensors -o n.safetensors").code == 4);
  const Outcome onto =
      cli.run("merge runs/a/base.safetensors runs/a/checkpoint.safetensors -o runs/a/base.safetensors");
  CHECK(onto.code == 2);
  CHECK(onto.err.find("would be overwritten") != std::string::npos);
  CHECK(cli.run("eval --model cnn --data digits --base m.safetensors").code == 2);
  CHECK(cli.run("train --model mlp --data digits --checkpoint-every -1").code == 2);
  CHECK_FALSE(cli.has("n.safetensors"));
}
