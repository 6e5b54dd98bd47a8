// firn advise: its probes, its table, its choice.
#include <doctest/doctest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "engine/base/rng.h"
#include "tests/tools/cli_program.h"
#include "tools/app/cli/command_words.h"
#include "tools/app/cli/interval.h"
#include "tools/app/cost/linear_probe.h"

namespace {

using namespace firn;
using namespace firn::cli;
using firn::test::Cli;
using firn::test::Outcome;
using Json = nlohmann::json;

/// Rows of two columns: the first one is the class and a little noise, or noise alone; the second one is
/// always 3.
FeatureTable table(Index rows, bool telling, std::uint64_t seed) {
  FeatureTable t;
  t.rows = rows;
  t.columns = 2;
  Random random(seed, "table");
  for (Index i = 0; i < rows; ++i) {
    const auto label = static_cast<std::int32_t>(random.below(2));
    t.values.push_back(static_cast<real>((telling ? label : 0) + random.uniform(-0.3, 0.3)));
    t.values.push_back(3);
    t.labels.push_back(label);
  }
  return t;
}

std::vector<Json> advice(Cli& cli, const std::string& arguments) {
  const Outcome outcome = cli.run("advise --model mlp --data digits --threads 1 --json " + arguments);
  INFO(arguments << "\n" << outcome.err);
  REQUIRE(outcome.code == 0);
  std::vector<Json> all;
  for (const std::string& line : outcome.lines()) all.push_back(Json::parse(line));
  REQUIRE(all.size() == 4);  // three blocks: three cuts
  for (int k = 0; k < 3; ++k) CHECK(all[static_cast<std::size_t>(k)].at("frozen_blocks") == k);
  CHECK(all[3].at("kind") == "result");
  return all;
}

/// Of a training's epochs, on the validation part.
double best_accuracy(const Outcome& run) {
  double best = 0;
  for (const std::string& line : run.lines()) {
    const Json json = Json::parse(line);
    if (json.at("kind") == "epoch") best = std::max(best, json.at("validation_accuracy").get<double>());
  }
  return best;
}

}  // namespace

TEST_CASE("a linear probe finds what is there and nothing else") {
  CHECK(linear_probe(table(200, true, 1), table(500, true, 2), 2) == 1);
  const double none = linear_probe(table(200, false, 1), table(500, false, 2), 2);
  CHECK(none > 0.35);
  CHECK(none < 0.65);
  CHECK(linear_probe({}, table(5, true, 1), 2) == 0);
}

TEST_CASE("Wilson's interval") {
  // 8 of 10, by hand: (0.8 + 0.19207 +- 1.96 sqrt(0.016 + 0.0096)) / 1.38415
  const Interval interval = wilson_interval(0.8, 10);
  CHECK(interval.low == doctest::Approx(0.4902).epsilon(0.001));
  CHECK(interval.high == doctest::Approx(0.9433).epsilon(0.001));
  CHECK(wilson_interval(1, 50).high == doctest::Approx(1));
  CHECK(wilson_interval(0, 50).low == doctest::Approx(0));
  CHECK(wilson_interval(0.5, 0).high == 1);
}

TEST_CASE("cuts cost less the more is frozen; what was trained is known, and the command gives it again") {
  Cli cli;
  const std::vector<Json> all = advice(cli, "--epochs 2 --probe-time 60s --seed 3");
  for (std::size_t k = 0; k < 3; ++k) {
    CHECK(all[k].at("fits") == true);
    CHECK(all[k].at("step_ms") > 0);
    CHECK(all[k].at("epochs") == 2);
    if (k == 0) continue;
    CHECK(all[k].at("step_ms") < all[k - 1].at("step_ms"));
    CHECK(all[k].at("bytes") < all[k - 1].at("bytes"));
    CHECK(all[k].at("linear_accuracy") > 0.5);
  }
  const Json& answer = all[3];
  CHECK(answer.at("probe_seconds") > 0);
  REQUIRE(answer.at("trained") == true);
  const Json& chosen = all[answer.at("frozen_blocks").get<std::size_t>()];
  CHECK(chosen.at("known") == "trained");
  CHECK(chosen.at("accuracy") == answer.at("accuracy"));
  CHECK(answer.at("low") < answer.at("accuracy"));
  CHECK(answer.at("high") > answer.at("accuracy"));
  // Never far below one that is known to be better.
  for (std::size_t k = 0; k < 3; ++k) {
    if (all[k].at("known") == "trained")
      CHECK(answer.at("accuracy").get<double>() >= all[k].at("accuracy").get<double>() - 0.02 - 1e-9);
  }
  const std::string command = answer.at("command");
  CHECK(command.starts_with("firn train --model mlp --data digits --threads 1 --epochs 2 --seed 3"));
  CHECK(command.find("--batch 64") != std::string::npos);
  CHECK(command.find("probe-time") == std::string::npos);
  CHECK(command.find("json") == std::string::npos);
  CHECK(cli.files().empty());

  const Outcome run = cli.run(command.substr(5) + " --no-run --json");
  REQUIRE(run.code == 0);
  CHECK(best_accuracy(run) == doctest::Approx(answer.at("accuracy").get<double>()).epsilon(1e-9));
}

TEST_CASE("limits are kept, and said when nothing fits") {
  Cli cli;
  const std::vector<Json> none = advice(cli, "--memory 1M");
  CHECK(none[3].at("frozen_blocks") == -1);
  CHECK(none[3].at("command") == "");
  for (std::size_t k = 0; k < 3; ++k) CHECK(none[k].at("fits") == false);
  // Without time nothing is trained: the cheapest cut is named, and that nothing is known of it.
  const std::vector<Json> quick = advice(cli, "--probe-time 1ms");
  CHECK(quick[3].at("frozen_blocks") == 2);
  CHECK(quick[3].at("trained") == false);
  CHECK(quick[3].at("accuracy").is_null());
  CHECK(quick[0].at("known") == "unknown");
  const Outcome text = cli.run("advise --model mlp --data digits --threads 1 --probe-time 1ms");
  CHECK(text.out.find("what it gives is not known") != std::string::npos);
  CHECK(text.out.find("firn train --model mlp --data digits --threads 1 --freeze 2") != std::string::npos);
  CHECK(text.err.find("random values") != std::string::npos);
}

TEST_CASE("with weights the command is finetune's, with all that was given") {
  Cli cli;
  REQUIRE(cli.run("train --model mlp --data digits --epochs 1 --run w").code == 0);
  const std::string weights = "runs/w/best.safetensors";
  const Outcome outcome = cli.run("advise --weights " + weights +
                                  " --data digits --threads 1 --labels 20 --rate=2e-3 --augment none --json");
  INFO(outcome.err);
  REQUIRE(outcome.code == 0);
  const Json answer = Json::parse(outcome.lines().back());
  REQUIRE(answer.at("trained") == true);
  const std::string command = answer.at("command");
  CHECK(command.starts_with("firn finetune --weights " + weights +
                            " --data digits --threads 1 --labels 20 --rate=2e-3 --augment none --freeze "));
  const Outcome run = cli.run(command.substr(5) + " --no-run --json");
  INFO(run.err);
  REQUIRE(run.code == 0);
  CHECK(best_accuracy(run) == doctest::Approx(answer.at("accuracy").get<double>()).epsilon(1e-9));
}

TEST_CASE("words of a command") {
  CommandWords words("firn advise --time 3s --data 'my pictures' --rate=1e-3 --time=4s --json");
  words.drop("--time", true);
  words.drop("--json", false);
  words.set_verb("train");
  words.add_missing("--rate", "5");
  words.add_missing("--seed", "1");
  CHECK(words.text() == "firn train --data 'my pictures' --rate=1e-3 --seed 1");
}

TEST_CASE("advise: wrong words are refused") {
  Cli cli;
  const auto refused = [&](const std::string& arguments, const std::string& words) {
    const Outcome outcome = cli.run("advise " + arguments);
    INFO(arguments << "\n" << outcome.err);
    CHECK(outcome.code == 2);
    CHECK(outcome.error_lines() == 1);
    CHECK(outcome.err.find(words) != std::string::npos);
    CHECK(outcome.out.empty());
  };
  refused("--model mlp", "--data is needed");
  refused("--data digits", "--model is needed");
  refused("--model mlp --data digits --time 30x", "'30x' is no time");
  refused("--model mlp --data digits --time -3s", "'-3s' is no time");
  refused("--model mlp --data digits --memory lots", "'lots'");
  refused("--model mlp --data digits --accuracy 90", "--accuracy 90: want a number above 0 and at most 1");
  refused("--model mlp --data digits --epochs 0", "--epochs 0: want a whole number from 1");
  refused("--model mlp --data digits --tiem 3s", "did you mean --time?");
  const Outcome help = cli.run("advise --help");
  CHECK(help.code == 0);
  CHECK(help.out.starts_with("Examples\n  firn advise"));
}

TEST_CASE("a machine that is slower than it was measured to be: the trial is broken off, and that is said") {
  Cli cli;
  advice(cli, "--probe-time 0.1s");
  Json machine = Json::parse(cli.read_cache("firn/machine.json"));
  for (auto& [key, seconds] : machine.at("numbers").items()) {
    if (key.find("GFLOP") == std::string::npos) seconds = 1e-9;
  }
  cli.write_cache("firn/machine.json", machine.dump());
  const Json result = advice(cli, "--probe-time 1s --epochs 100000").back();
  CHECK(result.at("trained") == false);
  const std::string reason = result.at("reason");
  INFO(reason);
  CHECK(reason.find("was broken off when the 1 s for trials were over") != std::string::npos);
  CHECK(reason.find("frozen was begun") != std::string::npos);
}
