// mpirun -n N firn train: the run of one process. Skipped, with a message, where there is no mpirun or no
// module.
#include <doctest/doctest.h>

#include <csignal>
#include <filesystem>

#include "tests/tools/same_runs.h"
#include "tools/app/cli/launcher.h"

using namespace firn;
using namespace firn::test;

namespace {

namespace fs = std::filesystem;

bool has_mpi() {
  const bool module = fs::exists(fs::path(FIRN_PROGRAM).parent_path() / "firn_mpi.so");
  const bool there = module && std::system("mpirun --version > /dev/null 2>&1") == 0;
  if (!there) MESSAGE("skipped: there is no ", module ? "mpirun" : "firn_mpi.so beside the program");
  return there;
}

/// As root, on fewer cores than ranks, for Open MPI; MPICH asks for nothing.
const std::string kMpirun =
    "export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_rmaps_base_oversubscribe=1 "
    "OMPI_MCA_hwloc_base_binding_policy=none OMPI_MCA_mpi_yield_when_idle=1 OMPI_MCA_btl=self,vader,tcp; "
    "mpirun ";

Outcome share(Cli& cli, int ranks, const std::string& arguments) {
  return cli.shell(kMpirun + "-n " + std::to_string(ranks) + " $FIRN " + arguments);
}

const std::string kCommand =
    "train --model cnn --data digits --seed 3 --exact --policy slimfit --augment shift:2 "
    "--epochs 2 --threads 1";

/// A record without what is measured and without who did it.
nlohmann::json lasting(nlohmann::json record) {
  for (const char* field : {"seconds", "eval_seconds", "rss_mb", "forecast_seconds", "forecast_seconds_full",
                            "ranks", "bytes_sent", "waiting_share"})
    record.erase(field);
  return record;
}

/// The page of a run, made once more of its files without what was measured.
std::string page_of(Cli& cli, const std::string& run) {
  const std::string file = "runs/" + run + "/metrics.jsonl";
  std::string text = cli.read(file), out;
  for (std::size_t end = 0; (end = text.find('\n')) != std::string::npos; text.erase(0, end + 1))
    out += lasting(nlohmann::json::parse(text.substr(0, end))).dump() + "\n";
  cli.write(file, out);
  REQUIRE(cli.run("report runs/" + run).code == 0);
  return cli.read("runs/" + run + "/report.html");
}

}  // namespace

TEST_CASE("the launchers that are known") {
  const auto said = [](std::vector<std::pair<std::string, std::string>> variables) {
    return cli::launcher_of([variables](const char* name) {
      for (const auto& [known, value] : variables) {
        if (known == name) return value;
      }
      return std::string();
    });
  };
  CHECK(!said({}).started());
  const cli::Launcher open = said(
      {{"OMPI_COMM_WORLD_RANK", "2"}, {"OMPI_COMM_WORLD_SIZE", "4"}, {"OMPI_COMM_WORLD_LOCAL_SIZE", "2"}});
  CHECK((open.started() && open.rank == 2 && open.ranks == 4 && open.local_ranks == 2));
  CHECK(open.name == "Open MPI");
  CHECK(said({{"PMI_RANK", "0"}, {"PMI_SIZE", "3"}}).ranks == 3);
  CHECK(!said({{"PMI_RANK", "0"}, {"PMI_SIZE", "1"}}).started());
  CHECK(said({{"PMIX_RANK", "1"}, {"SLURM_STEP_NUM_TASKS", "2"}}).rank == 1);
  for (const char* wrong : {"", "x", "-1", "4", "1x"}) {
    CAPTURE(wrong);
    CHECK(!said({{"OMPI_COMM_WORLD_RANK", wrong}, {"OMPI_COMM_WORLD_SIZE", "4"}}).started());
  }
}

TEST_CASE("ranks leave the run of one process, and one of them speaks") {
  if (!has_mpi()) return;
  Cli cli;
  REQUIRE(cli.run(kCommand + " --run alone").code == 0);
  for (const int ranks : {2, 3}) {
    CAPTURE(ranks);
    const std::string name = "of" + std::to_string(ranks);
    const Outcome outcome = share(cli, ranks, kCommand + " --json --run " + name);
    CAPTURE(outcome.err);
    REQUIRE(outcome.code == 0);
    check_same_runs(cli, "alone", name);
    const auto lines = outcome.lines();
    CHECK(lines.size() >= 3);
    const auto closing = nlohmann::json::parse(lines.back());
    CHECK(closing.at("ranks") == ranks);
    CHECK(closing.at("bytes_sent") > 1000);
    CHECK(closing.at("records") == lines.size() - 1);
  }
}

TEST_CASE("four ranks leave the records, the tables and the page of one") {
  if (!has_mpi()) return;
  Cli alone, four;  // so that the run has one name
  const std::string command =
      "train --model bncnn --data digits --seed 4 --exact --policy gradual --augment shift:2 --epochs 3 "
      "--threads 1 --pictures --json --run same";
  const Outcome one = alone.run(command);
  REQUIRE(one.code == 0);
  const Outcome outcome = share(four, 4, command);
  CAPTURE(outcome.err);
  REQUIRE(outcome.code == 0);
  check_same_runs(alone, "same", four, "same");
  const auto expected = one.lines(), lines = outcome.lines();
  REQUIRE(lines.size() == expected.size());
  for (std::size_t i = 0; i < lines.size(); ++i)
    CHECK(lasting(nlohmann::json::parse(lines[i])) == lasting(nlohmann::json::parse(expected[i])));
  CHECK(nlohmann::json::parse(lines.back()).at("ranks") == 4);
  CHECK(alone.files() == four.files());
  for (const char* file : {"samples.json", "pictures.json", "config.json", "confusion.json"}) {
    CAPTURE(file);
    CHECK(alone.read(std::string("runs/same/") + file) == four.read(std::string("runs/same/") + file));
  }
  const std::string page = page_of(alone, "same");
  CHECK(page.find("bncnn") != std::string::npos);
  CHECK(page == page_of(four, "same"));
}

TEST_CASE("stopped, and gone on with another number of ranks") {
  if (!has_mpi()) return;
  Cli cli;
  const std::string command =
      "train --model bncnn --data digits --seed 3 --exact --policy gradual --epochs 3 "
      "--threads 1 --quiet --checkpoint-every 1";
  REQUIRE(cli.run(command + " --run whole").code == 0);
  // One rank alone gets the signal: all stop at one step.
  const Outcome stopped = cli.shell(kMpirun +
                                    "-n 2 sh -c 'case ${OMPI_COMM_WORLD_RANK:-$PMI_RANK} in 1) "
                                    "(while [ ! -f runs/cut/checkpoint.safetensors ]; do sleep 0.05; done; "
                                    "kill -USR1 $$) & ;; esac; exec $FIRN " +
                                    command + " --run cut'");
  CAPTURE(stopped.err);
  CHECK(stopped.code != 0);
  CHECK(cli.has("runs/cut/checkpoint.safetensors"));
  const Outcome on = share(cli, 3, command + " --run cut");
  CAPTURE(on.err);
  REQUIRE(on.code == 0);
  check_same_runs(cli, "whole", "cut");
}

TEST_CASE("wrong arguments are one line") {
  if (!has_mpi()) return;
  Cli cli;
  for (const std::string wrong :
       {"train --model cnn --data digits --freeze nothing_such --no-run",
        "train --model cnn --data digits --dry-run", "train --model cnn --data nowhere"}) {
    CAPTURE(wrong);
    const Outcome outcome = share(cli, 2, wrong);
    CHECK(outcome.code != 0);
    std::size_t said = 0;
    for (std::size_t at = 0; (at = outcome.err.find("firn: ", at)) != std::string::npos; ++at) ++said;
    CAPTURE(outcome.err);
    CHECK(said == 1);
  }
}

TEST_CASE("a rank with other settings is named") {
  if (!has_mpi()) return;
  Cli cli;
  const Outcome outcome =
      cli.shell(kMpirun +
                "-n 2 sh -c '$FIRN train --model cnn --data digits --no-run --epochs 1 --seed "
                "${OMPI_COMM_WORLD_RANK:-$PMI_RANK}'");
  CAPTURE(outcome.err);
  CHECK(outcome.code != 0);
  CHECK(outcome.err.find("rank 1 of 2 has another") != std::string::npos);
}
