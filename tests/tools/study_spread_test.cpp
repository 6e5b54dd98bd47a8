// firn study over several processes: whoever did which cell, and whoever was killed, the tables are those of
// one process.
#include <doctest/doctest.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include "engine/base/rng.h"
#include "tests/tools/cli_study_run.h"

namespace {

using firn::test::check_same_tables;
using firn::test::Cli;
using firn::test::kPicturedTinyStudy;
using firn::test::kTinyStudy;
using firn::test::number;
using firn::test::Outcome;
using firn::test::study_tables;

/// 12 cells: a source for each of two seeds, cuts, scratch, a policy with its control of equal cost.
const std::string kFew =
    kPicturedTinyStudy +
    "--seeds 2 --source half --labels 3 --freeze 0,1 --policy gradual --policy equal-steps:gradual ";

void check_merged(Cli& cli, const std::string& run, const Cli& whole) {
  const Outcome merged = cli.run(kFew + "--merge --run " + run);
  INFO(merged.err);
  REQUIRE(merged.code == 0);
  check_same_tables(study_tables(whole, "whole"), study_tables(cli, run));
  CHECK(number(cli, run, "SELECT count(*) FROM meta WHERE key='state' AND value='complete'") == 1);
  CHECK(cli.has("runs/" + run + "/report.html"));
  CHECK(cli.has("runs/" + run + "/results.csv"));
  for (const std::string& file : cli.files()) CHECK(file.find(".lease") == std::string::npos);
}

/// The study in one process, made once.
const Cli& whole_study() {
  static Cli cli;
  static const Outcome outcome = cli.run(kFew + "--run whole --threads 2");
  REQUIRE_MESSAGE(outcome.code == 0, outcome.err);
  return cli;
}

TEST_CASE("every cell by a process of its own, in another order: the tables of one process") {
  const Cli& whole = whole_study();
  Cli cli;
  const std::vector<std::string> ids = cli.run(kFew + "--cells --run a").lines();
  REQUIRE(ids.size() == static_cast<std::size_t>(number(whole, "whole", "SELECT count(*) FROM cells")));
  CHECK_FALSE(cli.has("runs"));  // ids alone
  const Outcome early = cli.run(kFew + "--merge --run a");
  CHECK(early.code == 1);
  CHECK(early.err.find("cells are not done yet") != std::string::npos);
  for (auto id = ids.rbegin(); id != ids.rend(); ++id) {
    const Outcome outcome = cli.run(kFew + "--run a --cell " + *id);
    INFO(outcome.err);
    CHECK(outcome.code == 0);
  }
  const std::string file = "runs/a/cells/" + ids[0] + ".json", before = cli.read(file);
  const Outcome again = cli.run(kFew + "--run a --cell " + ids[0] + "," + ids[1]);
  CHECK(again.code == 0);
  CHECK(again.err.find("there already") != std::string::npos);
  CHECK(cli.read(file) == before);
  CHECK(cli.run(kFew + "--run a --cells").out.empty());
  check_merged(cli, "a", whole);
  const Outcome once_more = cli.run(kFew + "--run a");
  CHECK(once_more.code == 0);
  CHECK(once_more.err.find("of " + std::to_string(ids.size()) + " cells are there already") !=
        std::string::npos);
}

TEST_CASE("four processes at the same cells, some killed at random moments") {
  const Cli& whole = whole_study();
  Cli cli;
  std::string all;
  for (const std::string& id : cli.run(kFew + "--cells --run a").lines())
    all += (all.empty() ? "" : ",") + id;
  firn::Random random(5, "spread kills");
  int kills = 0;
  for (int round = 0; round < 4; ++round) {
    std::vector<pid_t> processes;
    for (int p = 0; p < 3; ++p) processes.push_back(cli.start(kFew + "--run a --threads 1 --cell " + all));
    std::this_thread::sleep_for(std::chrono::milliseconds(50 + random.below(600)));
    for (const pid_t process : processes) kill(process, SIGKILL);
    for (const pid_t process : processes) kills += cli.wait(process).code == 128 + SIGKILL ? 1 : 0;
  }
  CHECK(kills > 0);
  // A file that a broken disk has cut off is made again.
  for (const std::string& file : cli.files()) {
    if (file.find("cells/") == std::string::npos || !file.ends_with(".json")) continue;
    std::filesystem::resize_file(cli.path(file), 100);
    break;
  }
  const pid_t other = cli.start(kFew + "--run a --threads 1 --cell " + all);
  const pid_t one = cli.start(kFew + "--run a --threads 2 --cell " + all);
  CHECK(cli.wait(one).code == 0);
  CHECK(cli.wait(other).code == 0);
  check_merged(cli, "a", whole);
}

TEST_CASE("what one process has begun others go on with, and the other way round") {
  const Cli& whole = whole_study();
  Cli cli;
  REQUIRE(cli.run(kTinyStudy + "--seeds 1 --source half --labels 3 --freeze 0,1 --run a").code == 0);
  const std::vector<std::string> ids = cli.run(kFew + "--cells --run a").lines();
  CHECK(ids.size() + 4 == static_cast<std::size_t>(number(whole, "whole", "SELECT count(*) FROM cells")));
  REQUIRE(cli.run(kFew + "--run a --cell " + ids[0]).code == 0);
  const Outcome rest = cli.run(kFew + "--run a");
  INFO(rest.err);
  CHECK(rest.code == 0);
  CHECK(rest.err.find("1 of 12 cells were done by other processes") != std::string::npos);
  check_same_tables(study_tables(whole, "whole"), study_tables(cli, "a"));
  // --overwrite begins anew: nothing of other processes is left.
  REQUIRE(cli.run(kFew + "--run a --overwrite").code == 0);
  CHECK_FALSE(cli.has("runs/a/cells/" + ids[0] + ".json"));
}

/// What `emit` printed, as a file.
std::string script(Cli& cli, const std::string& engine, const std::string& run) {
  const Outcome outcome = cli.run(kFew + "--emit " + engine + " --run " + run);
  REQUIRE_MESSAGE(outcome.code == 0, outcome.err);
  cli.write(run + ".script", outcome.out);
  return run + ".script";
}

bool has_program(Cli& cli, const std::string& name) {
  const bool there = cli.shell("command -v " + name + " > /dev/null").code == 0;
  if (!there) MESSAGE("skipped: there is no ", name);
  return there;
}

TEST_CASE("the scripts do all cells and the tables") {
  const Cli& whole = whole_study();
  Cli cli;
  if (has_program(cli, "make")) {
    const Outcome made = cli.shell("make -j4 -f " + script(cli, "make", "m"));
    INFO(made.err);
    CHECK(made.code == 0);
    check_merged(cli, "m", whole);
  }
  if (has_program(cli, "parallel")) {
    const Outcome done = cli.shell("JOBS=4 sh " + script(cli, "parallel", "p") + " < /dev/null");
    INFO(done.err);
    CHECK(done.code == 0);
    check_merged(cli, "p", whole);
  }
  // Slurm's and HyperQueue's part is played by the shell.
  const Outcome tasks = cli.shell("for i in 0 1 2 3 4 5 6 7 8 9 10 11; do SLURM_ARRAY_TASK_ID=$i bash " +
                                  script(cli, "slurm", "s") + " || exit; done");
  INFO(tasks.err);
  CHECK(tasks.code == 0);
  CHECK(cli.read("s.script").find("#SBATCH --array=0-11\n") != std::string::npos);
  check_merged(cli, "s", whole);
  cli.write("bin/hq", R"(#!/bin/sh
while [ "$1" != sh ]; do [ "$1" = --each-line ] && list=$2; shift; done
while read -r HQ_ENTRY; do export HQ_ENTRY; "$@" || exit; done < "$list"
)");
  const Outcome queued =
      cli.shell("chmod +x bin/hq; PATH=$PWD/bin:$PATH sh " + script(cli, "hq", "h") + " < /dev/null");
  INFO(queued.err);
  CHECK(queued.code == 0);
  check_merged(cli, "h", whole);
}

TEST_CASE("what cannot be asked for is said in one line") {
  Cli cli;
  for (const char* wrong :
       {"--cell 0123456789abcdef", "--cells --merge", "--emit make --cells", "--cells --budget 1m",
        "--merge --overwrite", "--cell a --dry-run", "--emit pbs"}) {
    const Outcome outcome = cli.run(kFew + wrong);
    INFO(wrong << "\n" << outcome.err);
    CHECK(outcome.code == 2);
    // Which ids there are is known once the data is read, whose notes stand before.
    CHECK(outcome.err.find("firn: [") == outcome.err.rfind("firn: ["));
    CHECK_FALSE(cli.has("runs"));
  }
}

}  // namespace
