// A run in the place of another: the old one stays whole until the new one has saved.
#include <doctest/doctest.h>
#include <signal.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "tests/tools/same_runs.h"

using namespace firn::test;

namespace {

namespace fs = std::filesystem;

void check_only(const Cli& cli, const std::vector<std::string>& folders) {
  std::vector<std::string> there;
  for (const auto& entry : fs::directory_iterator(cli.path("runs")))
    there.push_back(entry.path().filename().string());
  std::sort(there.begin(), there.end());
  CHECK(there == folders);
  for (const std::string& file : cli.files()) CHECK(file.find("/.") == std::string::npos);
}

}  // namespace

TEST_CASE("a run begins with the weights that it overwrites, and comes to what it would elsewhere") {
  Cli cli;
  REQUIRE(cli.run("train --model cnn --data digits --labels 20 --epochs 2 --freeze conv1 --run X").code == 0);
  fs::copy(cli.path("runs/X"), cli.path("from"), fs::copy_options::recursive);
  fs::create_symlink("runs/X/last.safetensors", cli.path("link"));
  const std::vector<std::pair<std::string, std::string>> weights = {
      {"runs/X/best.safetensors", "from/best.safetensors"},
      {"./runs/../runs/X/last.safetensors", "from/last.safetensors"},
      {"link", "from/last.safetensors"},
      {"runs/X/checkpoint.safetensors", "from/checkpoint.safetensors"},
      {"runs/X/base.safetensors", "from/base.safetensors"},
  };
  for (const std::string& how : {std::string("train --epochs 1"), std::string("finetune --epochs 1"),
                                 std::string("train --epochs 2 --policy gradual"),
                                 std::string("train --epochs 1 --freeze half --checkpoint-every 1000")}) {
    for (const auto& [own, copy] : weights) {
      CAPTURE(how);
      CAPTURE(own);
      fs::remove_all(cli.path("runs"));
      fs::create_directory(cli.path("runs"));
      fs::copy(cli.path("from"), cli.path("runs/X"), fs::copy_options::recursive);
      cli.write("runs/X/notes.txt", "somebody's");
      const std::string command = how + " --data digits --labels 20 ";
      REQUIRE(cli.run(command + "--run Y --weights " + copy).code == 0);
      const Outcome over = cli.run(command + "--run X --overwrite --weights " + own);
      INFO(over.err);
      REQUIRE(over.code == 0);
      check_same_runs(cli, "X", "Y");
      CHECK(cli.read("runs/X/notes.txt") == "somebody's");
      CHECK_FALSE(cli.has("runs/X/checkpoint.previous.safetensors"));
      CHECK(cli.has("runs/X/report.html"));
      CHECK(cli.has("runs/X/base.safetensors") == cli.has("runs/X/checkpoint.safetensors"));
      check_only(cli, {"X", "Y"});
    }
  }
}

TEST_CASE("the example of the help runs: finetune into the folder that its weights lie in") {
  Cli cli;
  REQUIRE(cli.run("train --model cnn --data digits --labels 20 --epochs 1").code == 0);
  const std::string command =
      "finetune --weights runs/cnn-digits-1/best.safetensors --data digits --labels 20 --epochs 2 "
      "--overwrite";
  for (int i = 0; i < 2; ++i) CHECK(cli.run(command).code == 0);  // and from what came of it
  check_only(cli, {"cnn-digits-1"});
}

TEST_CASE("what fails before it has saved leaves the old run as it was") {
  Cli cli;
  REQUIRE(cli.run("train --model mlp --data digits --epochs 1 --run X").code == 0);
  const auto state = [&] {
    std::vector<std::string> all = cli.files();
    for (const std::string& file : std::vector<std::string>(all)) all.push_back(cli.read(file));
    return all;
  };
  const auto before = state();
  const std::string into = " --data digits --run X --overwrite --weights runs/X/best.safetensors ";
  for (const std::string& command :
       {"train" + into + "--epochs 0", "train" + into + "--freeze all", "train" + into + "--rate 1e30",
        "train" + into + "--checkpoint-every -1", "finetune --model cnn" + into}) {
    const Outcome outcome = cli.run(command);
    INFO(command << "\n" << outcome.err);
    CHECK(outcome.code != 0);
    CHECK(state() == before);
  }
  CHECK(cli.shell("ulimit -f 8; exec $FIRN train -q" + into).code == 1);
  CHECK(state() == before);
}

TEST_CASE("a run whose base lay in a folder that is overwritten goes on to the same bytes") {
  for (const char* kind : {"best", "checkpoint"}) {
    Cli cli;
    REQUIRE(cli.run("train --model cnn --data digits --labels 20 --epochs 1 --freeze conv1 --run X").code ==
            0);
    const std::string other =
        "train --data digits --labels 20 --epochs 40 --freeze half --checkpoint-every 2 "
        "--weights runs/X/" +
        std::string(kind) + ".safetensors --run ";
    REQUIRE(cli.run(other + "whole").code == 0);
    const pid_t process = cli.start(other + "Y");
    wait_for(cli, "runs/Y/checkpoint.safetensors", 1);
    kill(process, SIGKILL);
    REQUIRE(cli.wait(process).code == 128 + SIGKILL);
    REQUIRE(
        cli.run("train --model cnn --data digits --labels 20 --epochs 1 --seed 2 --run X --overwrite").code ==
        0);
    if (std::string(kind) == "best") fs::remove_all(cli.path("runs/X"));
    CHECK(cli.run("eval --data digits --weights runs/Y/checkpoint.safetensors").code == 0);
    const Outcome rest = cli.run(other + "Y");
    INFO(rest.err);
    CHECK(rest.code == 0);
    CHECK(rest.err.find("runs/Y/base.safetensors") != std::string::npos);
    CHECK(rest.err.find("runs/Y goes on in epoch") != std::string::npos);
    check_same_runs(cli, "whole", "Y");
  }
}

TEST_CASE("a study stays until a cell of the new one is done") {
  Cli cli;
  cli.write(
      "grid.json",
      R"({"experiments":[{"name":"x","title":"t","question":"q","claim":1,"target":"digits","models":["mlp"],)"
      R"("sources":["random"],"labels":[2],"freeze":["1"],"seeds":2,"steps":6,"batch":16,"rates":[0.001]}]})");
  const std::string command = "study --grid grid.json --threads 1 --run s -q";
  REQUIRE(cli.run(command).code == 0);
  cli.write("runs/s/notes.txt", "somebody's");
  const std::string old = cli.read("runs/s/results.sqlite"), table = cli.read("runs/s/results.csv");
  const pid_t process = cli.start(command + " --overwrite --seed 5");
  wait_for(cli, "runs/.s.new/results.sqlite", 1);
  kill(process, SIGKILL);
  REQUIRE(cli.wait(process).code == 128 + SIGKILL);
  CHECK(cli.read("runs/s/results.sqlite") == old);
  CHECK(cli.run("report runs/s").code == 0);
  const Outcome again = cli.run(command + " --overwrite --seed 5");
  INFO(again.err);
  CHECK(again.code == 0);
  CHECK(cli.read("runs/s/results.csv") != table);
  CHECK(cli.read("runs/s/notes.txt") == "somebody's");
  CHECK(cli.has("runs/s/report.html"));
  check_only(cli, {"s"});
}

TEST_CASE("a page that cannot be made keeps no weights from being written") {
  Cli cli;
  const std::string command =
      "train --model mlp --data digits --labels 20 --epochs 40 --freeze 1 --checkpoint-every 2 --run ";
  REQUIRE(cli.run(command + "whole").code == 0);
  const pid_t process = cli.start(command + "X");
  wait_for(cli, "runs/X/checkpoint.previous.safetensors", 1);
  kill(process, SIGKILL);
  REQUIRE(cli.wait(process).code == 128 + SIGKILL);
  REQUIRE(fs::create_directories(cli.path("runs/X/report.html/in-the-way")));
  const Outcome outcome = cli.run(command + "X");
  CHECK(outcome.code == 1);
  CHECK(outcome.err.find("report.html: is a folder") != std::string::npos);
  for (const char* file : {"best.safetensors", "last.safetensors", "checkpoint.safetensors"})
    CHECK(cli.read(std::string("runs/X/") + file) == cli.read(std::string("runs/whole/") + file));
  CHECK_FALSE(cli.has("runs/X/checkpoint.previous.safetensors"));
}
