// firn bench: what its rows say, and a peer that is a script.
#include <doctest/doctest.h>

#include <signal.h>

#include <chrono>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "engine/base/cpu.h"
#include "engine/kernels/matrix_unit.h"
#include "tests/layers/foreign_write.h"
#include "tests/tools/cli_program.h"
#include "tools/app/cost/timing.h"

namespace {

using firn::test::Cli;
using firn::test::Outcome;
using Json = nlohmann::json;

/// The rows of `bench WHAT --json`, before its result.
std::vector<Json> rows(Cli& cli, const std::string& arguments, const std::vector<std::string>& more = {}) {
  const Outcome outcome = cli.run("bench " + arguments + " --json", more);
  INFO(arguments << "\n" << outcome.err);
  REQUIRE(outcome.code == 0);
  std::vector<Json> all;
  for (const std::string& line : outcome.lines()) all.push_back(Json::parse(line));
  CHECK(all.back().at("kind") == "result");
  all.pop_back();
  return all;
}

double number(const Json& row, const char* field) {
  return row.at(field).get<double>();
}

/// One line that holds `words`, and nothing on stdout.
void check_refused(Cli& cli, const std::string& arguments, int code, const std::string& words,
                   const std::vector<std::string>& more = {}) {
  const Outcome outcome = cli.run("bench " + arguments, more);
  INFO(arguments << "\n" << outcome.err);
  CHECK(outcome.code == code);
  CHECK(outcome.error_lines() == 1);
  CHECK(outcome.err.find(words) != std::string::npos);
  CHECK(outcome.out.empty());
}

/// The children of a process, as soon as it has any; none when it ends before.
std::vector<pid_t> first_children(pid_t parent) {
  const std::string id = std::to_string(parent);
  std::vector<pid_t> found;
  for (int i = 0; i < 20'000 && found.empty(); ++i) {
    std::ifstream words("/proc/" + id + "/task/" + id + "/children");
    if (!words) break;
    for (pid_t child; words >> child;) found.push_back(child);
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return found;
}

/// Whether there is such a process that has not ended.
bool runs(pid_t process) {
  std::ifstream file("/proc/" + std::to_string(process) + "/stat");
  std::string line;
  if (!std::getline(file, line)) return false;
  return line.at(line.rfind(')') + 2) != 'Z';
}

/// A peer that notes how it was called and takes 4 ms for a step on one thread, 2 ms on two.
void write_peer(const Cli& cli) {
  cli.write("peer",
            "echo \"$* OMP=$OMP_NUM_THREADS\" >> calls\n"
            "echo 'Loading, 100 %'\n"
            "echo '{\"model\": \"cnn\", \"freeze\": \"0\", \"step_ms\": 1}'\n"
            "echo \"{\\\"model\\\": \\\"$2\\\", \\\"freeze\\\": \\\"$4\\\", \\\"batch\\\": 128,"
            " \\\"step_ms\\\": $((4 / $6)), \\\"forward_ms\\\": 0.5, \\\"rss_mb\\\": 200}\"\n");
}

}  // namespace

TEST_CASE("quartiles lie on straight lines between the values") {
  const auto q = firn::cli::quartiles({5, 1, 4, 2, 3});
  CHECK(q.low == 2);
  CHECK(q.median == 3);
  CHECK(q.high == 4);
  const auto pair = firn::cli::quartiles({2, 1});
  CHECK(pair.low == 1.25);
  CHECK(pair.median == 1.5);
  CHECK(pair.high == 1.75);
  CHECK(firn::cli::quartiles({7}).high == 7);
}

TEST_CASE("a call is timed as long as it takes") {
  int calls = 0;
  const auto q = firn::cli::time_calls(0.001, [&] {
    ++calls;
    for (const auto end = std::chrono::steady_clock::now() + std::chrono::microseconds(50);
         std::chrono::steady_clock::now() < end;) {
    }
  });
  CHECK(calls >= 5 * 4);  // samples are not shorter than 0.2 ms
  CHECK(q.low >= 50e-6);
  CHECK(q.low <= q.median);
  CHECK(q.median <= q.high);
}

TEST_CASE("step: a row for each model and way of freezing") {
  Cli cli;
  const std::vector<Json> all =
      rows(cli, "step --models mlp,lenet --freeze 0,all --threads 1 --seconds 0.01");
  REQUIRE(all.size() == 4);
  CHECK(all[0].at("model") == "mlp");
  CHECK(all[1].at("freeze") == "all");
  CHECK(all[2].at("batch") == 64);
  for (const Json& row : all) {
    CHECK(row.at("kind") == "bench_step");
    CHECK(row.at("threads") == 1);
    CHECK(row.at("runs") >= 5);
    for (const char* field : {"step_ms", "forward_ms", "kernels", "arena_bytes", "rss_mb"})
      CHECK(number(row, field) > 0);
  }
  CHECK(number(all[0], "kernels") > number(all[1], "kernels"));
  const std::vector<Json> low =
      rows(cli, "step --models lenet --freeze all --frozen-precision bf16 --threads 1 --seconds 0.01");
  REQUIRE(low.size() == 1);
  CHECK(low[0].at("frozen_precision") == "bf16");
  CHECK(all[3].at("frozen_precision") == "fp32");
}

TEST_CASE("step: several numbers of threads and batches") {
  Cli cli;
  const std::vector<Json> all =
      rows(cli, "step --models lenet --freeze 0 --threads 1,2 --batch 3,16 --seconds 0.01");
  REQUIRE(all.size() == 4);
  for (std::size_t i = 0; i < all.size(); ++i) {
    CHECK(all[i].at("kind") == "bench_scaling");
    CHECK(all[i].at("batch") == (i < 2 ? 3 : 16));
    CHECK(all[i].at("threads") == i % 2 + 1);
    CHECK(number(all[i], "step_ms") > 0);
    CHECK(number(all[i], "speedup_low") <= number(all[i], "speedup"));
    CHECK(number(all[i], "speedup") <= number(all[i], "speedup_high"));
  }
  CHECK(all[0].at("speedup") == 1);
  CHECK(all[2].at("speedup") == 1);
  // Another machine may have one core: nothing is said about how fast two are, but that time passes on them.
  CHECK(number(all[1], "speedup") > 0.01);
}

TEST_CASE("step --neighbour: alone and beside a process that ends with it") {
  Cli cli;
  const pid_t run =
      cli.start("bench step --neighbour --models lenet --freeze 0 --threads 2 --seconds 0.01 --json");
  const std::vector<pid_t> neighbours = first_children(run);
  const Outcome outcome = cli.wait(run);
  REQUIRE(outcome.code == 0);
  REQUIRE(neighbours.size() == 1);
  CHECK(!runs(neighbours[0]));
  const Json row = Json::parse(outcome.lines().at(0));
  CHECK(row.at("kind") == "bench_neighbour");
  CHECK(row.at("threads") == 2);
  CHECK(number(row, "ratio_low") <= number(row, "ratio"));
  CHECK(number(row, "ratio") <= number(row, "ratio_high"));
  CHECK(number(row, "disturbed_ms") > 0);
}

TEST_CASE("step --neighbour: the process ends soon after a run that was killed") {
  Cli cli;
  const pid_t run = cli.start("bench step --neighbour --models lenet --freeze 0 --threads 1 --seconds 60 -q");
  const std::vector<pid_t> neighbours = first_children(run);
  kill(run, SIGKILL);
  CHECK(cli.wait(run).code == 128 + SIGKILL);
  REQUIRE(neighbours.size() == 1);
  for (int i = 0; i < 1000 && runs(neighbours[0]); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  CHECK(!runs(neighbours[0]));
}

TEST_CASE("peak: a row for each instruction set and number of threads") {
  Cli cli;
  const std::vector<Json> all = rows(cli, "peak --threads 2 --seconds 0.001");
  std::vector<std::string> sets;
  for (const char* set : {"generic", "neon", "avx2", "avx512"}) {
    for (const firn::Isa isa : firn::kIsas) {
      if (firn::isa_name(isa) == set && firn::isa_available(isa)) sets.emplace_back(set);
    }
  }
  REQUIRE(all.size() == 2 * sets.size());
  for (std::size_t i = 0; i < all.size(); ++i) {
    CHECK(all[i].at("kind") == "bench_peak");
    CHECK(all[i].at("isa") == sets[i / 2]);
    CHECK(all[i].at("threads") == i % 2 + 1);
    // Slower than any machine that runs this would mean that something else is measured.
    CHECK(number(all[i], "gflops") > 0.1);
    CHECK(number(all[i], "copy_gbs") > 0.1);
    CHECK(number(all[i], "triad_gbs") > 0.1);
  }
  CHECK(rows(cli, "peak --threads 1 --seconds 0.001 --isa generic,naive").size() == 2);
  CHECK(cli.run("bench peak --threads 1 --seconds 0.001 --isa generic").lines().size() == 2);
}

TEST_CASE("kernel: rates are what the formula says, shares what the peak around them says") {
  Cli cli;
  const std::vector<Json> dense = rows(cli, "kernel --only 256^3 --seconds 0.001");
  // Three passes, and the same in bf16 where the processor has a matrix unit.
  REQUIRE(dense.size() == (firn::amx_unit() != nullptr || firn::pairs_unit() != nullptr ? 6 : 3));
  for (const Json& row : dense) {
    CHECK(row.at("kind") == "bench_kernel");
    CHECK(row.at("isa") == std::string(firn::isa_name(firn::selected_isa())));
    CHECK(row.at("unit") == "GFLOP/s");
    CHECK(number(row, "rate") * number(row, "ms") * 1e6 == doctest::Approx(2.0 * 256 * 256 * 256));
    const double peak = 0.5 * (number(row, "peak_before") + number(row, "peak_after"));
    CHECK(number(row, "share") == doctest::Approx(number(row, "rate") / peak));
    const double apart = std::abs(number(row, "peak_before") - number(row, "peak_after")) / peak;
    CHECK(row.at("steady") == (apart <= 0.05));
    CHECK(number(row, "ms_low") <= number(row, "ms"));
    CHECK(number(row, "ms") <= number(row, "ms_high"));
  }
  const std::vector<Json> relu = rows(cli, "kernel --seconds 0.001 --isa generic", {"--only", "relu 65536"});
  REQUIRE(relu.size() == 1);
  CHECK(relu[0].at("isa") == "generic");
  CHECK(relu[0].at("unit") == "GB/s");
  CHECK(number(relu[0], "rate") * number(relu[0], "ms") * 1e6 == doctest::Approx(2.0 * 65536 * 4));
}

TEST_CASE("kernel: LeNet-5's step counts every product once") {
  // conv1, conv2, fc1, fc2, fc3; the first layer has no input gradient.
  const double conv1 = 28 * 28 * 25 * 6;
  const double forward = conv1 + 10 * 10 * 25 * 6 * 16 + 400 * 120 + 120 * 84 + 84 * 10;
  Cli cli;
  const std::vector<Json> all = rows(cli, "kernel --seconds 0.001", {"--only", "lenet batch 64"});
  REQUIRE(all.size() == 2);
  const auto macs = [](const Json& row) { return number(row, "rate") * number(row, "ms") * 1e6 / 2 / 64; };
  CHECK(all[0].at("kernel") == "step");
  CHECK(macs(all[0]) == doctest::Approx(3 * forward - conv1));
  CHECK(all[1].at("kernel") == "forward");
  CHECK(macs(all[1]) == doctest::Approx(forward));
}

TEST_CASE("compare: a peer's rows, pair by pair") {
  Cli cli;
  write_peer(cli);
  const std::vector<Json> all =
      rows(cli, "compare --models mlp --freeze 0,head --threads 2 --pairs 3 --seconds 0.01",
           {"--peer", "sh ./peer"});
  REQUIRE(all.size() == 2);
  CHECK(all[1].at("freeze") == "head");
  for (const Json& row : all) {
    CHECK(row.at("kind") == "bench_compare");
    CHECK(row.at("model") == "mlp");
    CHECK(row.at("batch") == 128);
    CHECK(row.at("threads") == 2);
    CHECK(row.at("pairs") == 3);
    CHECK(row.at("peer_step_ms") == 2);
    CHECK(row.at("peer_forward_ms") == 0.5);
    CHECK(row.at("peer_rss_mb") == 200);
    CHECK(number(row, "rss_mb") > 1);
    // The peer's times are constant, so that the median of ratios is the ratio of medians.
    CHECK(number(row, "step_ratio") == doctest::Approx(number(row, "step_ms") / 2));
    CHECK(number(row, "forward_ratio") == doctest::Approx(number(row, "forward_ms") / 0.5));
    CHECK(number(row, "step_ratio_low") <= number(row, "step_ratio"));
    CHECK(number(row, "step_ratio") <= number(row, "step_ratio_high"));
  }
  std::string calls;
  for (const char* freeze : {"0", "head"}) {
    for (int pair = 0; pair < 3; ++pair)
      calls += std::string("--models mlp --freeze ") + freeze + " --threads 2 --seconds 0.01 OMP=2\n";
  }
  CHECK(cli.read("calls") == calls);
}

TEST_CASE("compare: of several numbers of threads the peer's best counts") {
  Cli cli;
  write_peer(cli);
  const std::string with = "compare --models mlp --freeze 0 --threads 1 --pairs 1 --seconds 0.01";
  CHECK(rows(cli, with, {"--peer", "sh peer"}).at(0).at("peer_step_ms") == 4);
  CHECK(rows(cli, with + " --peer-threads 1,2", {"--peer", "sh peer"}).at(0).at("peer_step_ms") == 2);
  const std::string calls = cli.read("calls");
  CHECK(calls.ends_with(
      "--threads 1 --seconds 0.01 OMP=1\n--models mlp --freeze 0 --threads 2 --seconds 0.01 OMP=2\n"));
  CHECK(cli.run("bench " + with + " -q", {"--peer", "sh peer"}).lines().size() == 2);
}

TEST_CASE("compare: of a peer's ways the first pair finds the best ones, the others measure these") {
  Cli cli;
  cli.write("peer",
            "echo \"$*\" >> calls\n"
            "echo '{\"model\": \"mlp\", \"freeze\": \"0\", \"batch\": 128, \"step_ms\": 4, \"forward_ms\": 1,"
            " \"rss_mb\": 200, \"way\": \"bf16 nhwc\", \"forward_way\": \"compiled\", \"version\": \"Peer "
            "2.1\"}'\n");
  const std::vector<Json> all = rows(
      cli, "compare --models mlp --freeze 0 --threads 1 --pairs 3 --seconds 0.01", {"--peer", "sh peer"});
  REQUIRE(all.size() == 1);
  CHECK(all[0].at("peer_way") == "bf16 nhwc");
  CHECK(all[0].at("peer_forward_way") == "compiled");
  CHECK(all[0].at("peer_version") == "Peer 2.1");
  CHECK(all[0].at("machine").get<std::string>().find("kernels") != std::string::npos);
  CHECK(number(all[0], "load") >= 0);
  std::istringstream calls(cli.read("calls"));
  std::vector<std::string> lines;
  for (std::string line; std::getline(calls, line);) lines.push_back(line);
  REQUIRE(lines.size() == 3);
  CHECK(lines[0].find("--ways") == std::string::npos);
  CHECK(lines[1].find("--ways bf16,compiled") != std::string::npos);
  CHECK(lines[2].find("--ways bf16,compiled") != std::string::npos);
}

TEST_CASE("compare: a peer that fails, or says nothing of use, is answered with one line") {
  Cli cli;
  const std::string with = "compare --models mlp --freeze 0 --threads 1 --pairs 1 --seconds 0.01";
  const auto refused = [&](const std::string& peer, const std::string& words) {
    cli.write("peer", peer);
    check_refused(cli, with, 1, words, {"--peer", "sh peer"});
  };
  const std::string row = "'{\"model\":\"mlp\",\"freeze\":\"0\",\"batch\":128,\"step_ms\":1,";
  refused("echo no torch here >&2\nexit 3\n", "the peer failed with exit code 3: no torch here");
  refused("kill -9 $$\n", "exit code 137");
  refused("echo hello\n", "the peer printed no row for model mlp, freeze 0");
  refused("echo " + row + "\"forward_ms\":1}'\n", "no positive rss_mb");
  refused("echo " + row + "\"forward_ms\":-1,\"rss_mb\":1}'\n", "no positive forward_ms");
  refused("echo " + row + "\"forward_ms\":\"1\",\"rss_mb\":1}'\n", "no positive forward_ms");
  refused(
      "echo '{\"model\":\"mlp\",\"freeze\":\"0\",\"batch\":7,\"step_ms\":1,\"forward_ms\":1,\"rss_mb\":1}'\n",
      "batch");
  check_refused(cli, with, 1, "failed with exit code 127", {"--peer", "./nowhere"});
}

TEST_CASE("freeze: every cut of a model, predicted beside measured") {
  Cli cli;
  const auto all = rows(cli, "freeze --model lenet --threads 1 --batch 16 --seconds 0.01");
  REQUIRE(all.size() == 7);
  double most = 0;
  for (std::size_t k = 0; k < 6; ++k) {
    const Json& row = all[k];
    CHECK(row.at("kind") == "bench_freeze");
    CHECK(row.at("frozen_blocks") == k);
    CHECK(row.at("freeze") == (k == 5 ? "all" : std::to_string(k)));
    for (const char* field :
         {"predicted_ms", "measured_ms", "predicted_bytes", "measured_bytes", "forward_ms"})
      CHECK(number(row, field) > 0);
    // Wide, since the machine may be busy: what is held against here is a factor of a thousand, or a pass too
    // many.
    const double ratio = number(row, "predicted_ms") / number(row, "measured_ms");
    CHECK(ratio > 0.2);
    CHECK(ratio < 5);
    most = std::max(most, std::abs(ratio - 1));
    CHECK(number(row, "predicted_bytes") / number(row, "measured_bytes") == doctest::Approx(1).epsilon(0.2));
  }
  CHECK(number(all[0], "predicted_ms") > number(all[4], "predicted_ms"));
  CHECK(all[5].at("weight_gradient_ms") == 0);
  CHECK(number(all[6], "time_largest") == doctest::Approx(most));
  CHECK(number(all[6], "time_median") <= most);

  // What has been measured is kept, and a damaged file is measured anew.
  const auto again = rows(cli, "freeze --model lenet --threads 1 --batch 16 --seconds 0.01 --freeze 0,2");
  REQUIRE(again.size() == 3);
  CHECK(again[0].at("kernels_measured") == 0);
  CHECK(again[0].at("predicted_ms") == all[0].at("predicted_ms"));
  const auto anew =
      rows(cli, "freeze --model lenet --threads 1 --batch 16 --seconds 0.01 --freeze 2 --calibrate");
  CHECK(anew[0].at("kernels_measured") > 0);
  for (const char* text : {"", "{", "[[[[1]]]]", "{\"schema\":1,\"machine\":\"another\",\"numbers\":{}}"}) {
    cli.write_cache("firn/machine.json", text);
    CHECK(number(rows(cli, "freeze --model lenet --threads 1 --batch 16 --seconds 0.01 --freeze 4")[0],
                 "kernels_measured") > 0);
  }
}

TEST_CASE("networks of other programs, weights and runs are measured like models") {
  Cli cli;
  cli.write("net.pt2", firn::test::pt2(firn::test::small_pt2()));
  Outcome outcome = cli.run("bench freeze --weights net.pt2 --seconds 0.01 --threads 1 --batch 4 --json");
  REQUIRE_MESSAGE(outcome.code == 0, outcome.err);
  CHECK(outcome.out.find("net.pt2") != std::string::npos);
  outcome = cli.run("bench step --models net.pt2,mlp --freeze 0 --seconds 0.01 --threads 1 --batch 2");
  REQUIRE_MESSAGE(outcome.code == 0, outcome.err);
  CHECK(outcome.lines().size() == 3);
  outcome = cli.run("bench freeze --weights none.pt2");
  CHECK(outcome.code == 2);
  CHECK_MESSAGE(outcome.err.find("none.pt2") != std::string::npos, outcome.err);
  outcome = cli.run("bench step --weights net.pt2 --models mlp");
  CHECK(outcome.code == 2);
  CHECK_MESSAGE(outcome.err.find("give one of them") != std::string::npos, outcome.err);
}

TEST_CASE("bench: wrong words are refused before anything is measured") {
  Cli cli;
  check_refused(cli, "paek", 2, "did you mean peak?");
  check_refused(cli, "peak --models mlp", 2, "peak takes no --models");
  check_refused(cli, "kernel --threads 2", 2, "kernel takes no --threads");
  check_refused(cli, "step --pairs 2", 2, "step takes no --pairs");
  check_refused(cli, "step --threads 1,0", 2, "--threads 0: want a whole number from 1 to 256");
  check_refused(cli, "step --batch 1,,2", 2, "--batch");
  check_refused(cli, "peak --threads 1,2", 2, "peak takes no list of --threads");
  check_refused(cli, "compare --peer true --batch 1,2", 2, "compare takes no list of --batch");
  check_refused(cli, "peak --neighbour", 2, "peak takes no --neighbour");
  check_refused(cli, "step --seconds 0", 2, "--seconds 0: want a number above 0");
  check_refused(cli, "step --models mpl", 2, "did you mean mlp?");
  check_refused(cli, "peak --isa avx51", 2, "did you mean avx512?");
  check_refused(cli, "kernel --only nothing", 2, "--only nothing");
  check_refused(cli, "compare --models mlp", 2, "--peer");
  check_refused(cli, "freez --model mlp", 2, "did you mean freeze?");
  check_refused(cli, "freeze --model mpl", 2, "did you mean mlp?");
  check_refused(cli, "freeze --model mlp --freeze 9", 2, "3 blocks, not 9");
  check_refused(cli, "freeze --peer true", 2, "freeze takes no --peer");
  check_refused(cli, "step --calibrate", 2, "step takes no --calibrate");
  check_refused(cli, "compare --peer true --models mlp --freeze hed", 2, "hed");
  check_refused(cli, "compare --peer true --peer-threads 0", 2, "--peer-threads 0");
  const Outcome help = cli.run("bench --help");
  CHECK(help.code == 0);
  for (const char* what : {"bench step", "bench peak", "bench kernel", "bench compare", "bench freeze",
                           "--peer", "--isa", "--neighbour"})
    CHECK(help.out.find(what) != std::string::npos);
}
