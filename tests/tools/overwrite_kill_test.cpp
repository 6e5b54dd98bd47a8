// A run killed at thirty moments while it takes the place of the one whose weights it begins with.
#include <doctest/doctest.h>
#include <signal.h>

#include <filesystem>
#include <string>

#include "engine/base/rng.h"
#include "tests/tools/same_runs.h"

using namespace firn::test;

TEST_CASE("killed while it overwrites its own weights: the old run or the new one is whole, and it goes on") {
  namespace fs = std::filesystem;
  Cli origin;
  REQUIRE(origin.run("train --model cnn --data digits --labels 20 --epochs 2 --freeze conv1 --run X").code ==
          0);
  const std::string old = origin.read("runs/X/best.safetensors");
  firn::Random random(3, "overwrite kills");
  int kills = 0, olds = 0, news = 0;
  for (const char* how :
       {"--weights runs/X/best.safetensors --freeze half",
        "--weights runs/X/checkpoint.safetensors --policy gradual", "--weights runs/X/last.safetensors"}) {
    CAPTURE(how);
    const std::string command =
        std::string("train --data digits --labels 20 --epochs 6 --checkpoint-every 2 --run X --overwrite ") +
        how;
    const auto begin_with_old = [&](Cli& cli) {
      fs::create_directories(cli.path("runs"));
      fs::copy(origin.path("runs/X"), cli.path("runs/X"), fs::copy_options::recursive);
    };
    Cli whole;
    begin_with_old(whole);
    const auto begin = std::chrono::steady_clock::now();
    REQUIRE(whole.run(command).code == 0);
    const std::chrono::duration<double, std::milli> time = std::chrono::steady_clock::now() - begin;
    for (int moment = 0; moment < 10; ++moment) {
      Cli cli;
      begin_with_old(cli);
      const pid_t process = cli.start(command);
      wait_ms(static_cast<int>((moment + random.uniform()) / 10 * time.count()));
      kill(process, SIGKILL);
      const bool killed = cli.wait(process).code == 128 + SIGKILL;
      kills += killed ? 1 : 0;
      // Under its name there is a whole run at any moment.
      const bool is_old = cli.read("runs/X/best.safetensors") == old;
      (is_old ? olds : news) += 1;
      for (const char* file : {"best", "last"})
        CHECK(cli.run(std::string("eval --data digits --weights runs/X/") + file + ".safetensors").code == 0);
      if (is_old) {
        for (const auto& entry : fs::directory_iterator(origin.path("runs/X"))) {
          const std::string file = "runs/X/" + entry.path().filename().string();
          CHECK(cli.read(file) == origin.read(file));
        }
      } else if (killed && cli.has("runs/X/checkpoint.safetensors")) {
        CHECK(cli.run("eval --data digits --weights runs/X/checkpoint.safetensors").code == 0);
      }
      // A run that was over, but for the end of its process, would begin again from what it has made.
      const std::string checkpoint = cli.read("runs/X/checkpoint.safetensors");
      const bool over =
          !is_old && (checkpoint.empty() || checkpoint == whole.read("runs/X/checkpoint.safetensors"));
      if (!over) {
        const Outcome rest = cli.run(command);
        INFO(rest.err);
        CHECK(rest.code == 0);
      }
      check_same_runs(whole, "X", cli, "X");
      for (const auto& entry : fs::directory_iterator(cli.path("runs")))
        CHECK(entry.path().filename() == "X");
      for (const std::string& file : cli.files()) CHECK(file.find("/.") == std::string::npos);
    }
  }
  CHECK(kills >= 20);
  CHECK(olds > 0);
  CHECK(news > 0);
}
