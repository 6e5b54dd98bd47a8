// firn watch: a run that goes on is followed from its files.
#include <doctest/doctest.h>
#include <sys/types.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>

#include "tests/tools/cli_program.h"
#include "tools/app/run/held_folder.h"
#include "tools/app/run/run_line.h"

namespace {

using namespace firn;
using namespace firn::test;
using nlohmann::json;

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

void pause(int milliseconds) {
  std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
}

constexpr const char* kConfig =
    R"({"schema":1,"kind":"config","command":"firn train --run a","model":"mlp","data":"digits","training":{"epochs":3},)"
    R"("freezing":{"blocks":[{"block":0,"name":"fc1","parameters":10,"train":0,"frozen":"yes"},)"
    R"({"block":1,"name":"fc2","parameters":10,"train":10,"frozen":"no"}]}})";

std::string epoch(int number, double accuracy) {
  return R"({"schema":1,"kind":"epoch","epoch":)" + std::to_string(number) +
         R"(,"loss":0.5,"validation_accuracy":)" + std::to_string(accuracy) +
         R"(,"validation_loss":0.4,"rate":0.1,"gradient_norm":1,"seconds":2,"eval_seconds":1,"rss_mb":20,"steps":9,"trained_share":0.5})" +
         "\n";
}

constexpr const char* kResult =
    R"({"schema":1,"kind":"result","weights":"best","best_epoch":2,"epochs":3,"test_accuracy":0.75,"test_loss":0.4,"test_interval":[0.7,0.8],"test_samples":360,"validation_samples":99})";

/// A run's folder that this process holds, as `firn train` does.
struct HeldRun {
  static constexpr const char* kOwn[] = {"config.json"};
  cli::HeldFolder folder;
  explicit HeldRun(const Cli& cli) : folder(cli.path("runs/a"), kOwn) {}
};

TEST_CASE("a run is followed while it is written, until it is over") {
  Cli cli;
  std::filesystem::create_directories(cli.path("runs"));
  HeldRun held(cli);
  REQUIRE(held.folder.held());
  const pid_t watch = cli.start("watch runs/a");
  pause(300);  // nothing is there yet
  cli.write("runs/a/config.json", kConfig);
  cli.write("runs/a/env.json", "{}");
  pause(700);
  cli.write("runs/a/metrics.jsonl", epoch(1, 0.5));
  pause(700);
  cli.write("runs/a/metrics.jsonl", epoch(1, 0.5) + epoch(2, 0.7) + epoch(3, 0.6));
  pause(700);
  cli.write("runs/a/metrics.jsonl", epoch(1, 0.5) + epoch(2, 0.7) + epoch(3, 0.6) + kResult + "\n");
  const Outcome seen = cli.wait(watch);
  CHECK(seen.code == 0);
  REQUIRE(seen.lines().size() == 5);  // titles, three epochs, the end
  CHECK(has(seen.lines()[0], "val. acc."));
  CHECK(has(seen.lines()[2], "0.7000"));
  CHECK(has(seen.lines()[4],
            "finished in epoch 3: test accuracy 0.7500, 95 % 0.7000 to 0.8000, on 360 samples"));
  CHECK(seen.err.empty());  // stderr is no terminal
}

TEST_CASE("--once says how far it is, what is best, what is frozen") {
  Cli cli;
  std::filesystem::create_directories(cli.path("runs"));
  HeldRun held(cli);
  cli.write("runs/a/config.json", kConfig);
  cli.write("runs/a/env.json", "{}");
  cli.write("runs/a/metrics.jsonl", epoch(1, 0.7) + epoch(2, 0.5));
  const Outcome now = cli.run("watch a --once");
  CHECK(now.code == 0);
  CHECK(has(now.out, "epoch 3/3  0:0"));  // three seconds an epoch
  CHECK(has(now.out, " left  loss 0.5000  val. acc. 0.5000, best 0.7000 (epoch 1)  frozen fc1"));
  const Outcome record = cli.run("watch a --once --json");
  const json last = json::parse(record.lines().back());
  CHECK(record.lines().size() == 3);
  CHECK(last.at("finished") == false);
  CHECK(last.at("epochs_done") == 2);
  CHECK(last.at("epochs") == 3);
  CHECK(last.at("frozen") == json::array({"fc1"}));
  // A thaw while it goes.
  cli.write(
      "runs/a/metrics.jsonl",
      epoch(1, 0.7) +
          R"({"schema":1,"kind":"freeze_change","step":9,"epoch":2,"block":0,"name":"fc1","frozen":false})" +
          "\n");
  CHECK(!has(cli.run("watch a --once").out, "frozen"));
}

TEST_CASE("what nobody works on any more is said to be broken off") {
  Cli cli;
  std::filesystem::create_directories(cli.path("runs"));
  {
    HeldRun held(cli);
    cli.write("runs/a/config.json", kConfig);
    cli.write("runs/a/env.json", "{}");
    cli.write("runs/a/metrics.jsonl", epoch(1, 0.7));
  }
  const Outcome broken = cli.run("watch runs/a");
  CHECK(broken.code == 1);
  CHECK(
      has(broken.err,
          "runs/a was broken off behind epoch 1 of 3; the same command goes on with it: firn train --run a"));
}

TEST_CASE("Ctrl-C ends the watching and nothing else") {
  Cli cli;
  std::filesystem::create_directories(cli.path("runs"));
  HeldRun held(cli);
  cli.write("runs/a/config.json", kConfig);
  const pid_t watch = cli.start("watch runs/a");
  pause(400);
  ::kill(watch, SIGINT);
  const Outcome ended = cli.wait(watch);
  CHECK(ended.code == 128 + SIGINT);
  CHECK(ended.out.empty());
  CHECK(ended.err.empty());
}

TEST_CASE("a real run is followed to its end, and a finished one is shown at once") {
  Cli cli;
  const Outcome watched = cli.shell(
      "$FIRN train --model mlp --data digits --epochs 40 --run r -q >train.out 2>&1 &\n"
      "until [ -f runs/r/config.json ]; do sleep 0.02; done\n"
      "$FIRN watch runs/r --json; code=$?\n"
      "wait; exit $code");
  CHECK(watched.code == 0);
  CHECK(has(cli.read("train.out"), "test accuracy"));
  const json last = json::parse(watched.lines().back());
  CHECK(last.at("finished") == true);
  CHECK(last.at("epochs_done") == 40);
  CHECK(watched.lines().size() == 41);
  CHECK(cli.run("watch r --json").out == watched.out);
}

TEST_CASE("a folder that is no training run's is an error that says so") {
  Cli cli;
  std::filesystem::create_directories(cli.path("runs/empty"));
  CHECK(cli.run("watch").code == 2);
  const Outcome none = cli.run("watch runs/none");
  CHECK(none.code == 2);
  CHECK(has(none.err, "there is no folder runs/none"));
  const Outcome empty = cli.run("watch runs/empty");
  CHECK(empty.code == 2);
  CHECK(has(empty.err, "runs/empty holds no training run"));
  cli.write("runs/empty/results.sqlite", "x");
  CHECK(has(cli.run("watch runs/empty").err, "is a study"));
}

TEST_CASE("the line of a run names what is known of it") {
  const TaskMetric accuracy{"accuracy", "accuracy", "acc.", true, true};
  cli::RunState state;
  state.epoch = 3;
  state.epochs = 10;
  state.share = 0.25;
  CHECK(cli::run_line(state, accuracy) == "[#####---------------] epoch 3/10");
  state.seconds_left = 80;
  state.loss = 0.41234;
  state.score = 0.9;
  state.best = 0.93;
  state.best_epoch = 2;
  state.frozen = {"conv1", "conv2 in part"};
  state.blocks = 5;
  CHECK(cli::run_line(state, accuracy) ==
        "[#####---------------] epoch 3/10  1:20 left  loss 0.4123  val. acc. 0.9000, best 0.9300 (epoch 2)  "
        "frozen "
        "conv1, conv2 in part");
  state.frozen = {"a", "b", "c", "d"};
  CHECK(has(cli::run_line(state, accuracy), "  frozen 4 of 5 blocks"));
}

}  // namespace
