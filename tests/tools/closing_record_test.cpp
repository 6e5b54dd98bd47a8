// --json and -q of every verb: records alone on stdout, the last one of kind "result"; nothing but the
// answer.
#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/tools/cli_program.h"
#include "tools/app/verbs/verbs.h"

namespace {

using firn::test::Cli;
using firn::test::Outcome;
using Json = nlohmann::json;

struct Row {
  std::string command;
  std::string field;    ///< that its result has
  bool silent = false;  ///< with -q nothing is asked for on stdout
};

const Row kRows[] = {
    {"train --model mlp --data digits --labels 5 --epochs 2 --run t --overwrite", "test_accuracy"},
    {"train --model cnn --data digits --labels 5 --epochs 2 --no-run --policy gradual",
     "validation_accuracy"},
    {"train --model mlp --data digits --dry-run", "training_seconds"},
    {"finetune runs/a --data digits --labels 5 --epochs 2 --run f --overwrite", "test_interval"},
    {"eval runs/a", "accuracy"},
    {"eval runs/a --frozen-precision bf16 --logits l.npy", "bf16_accuracy"},
    {"predict runs/a --data digits --top 1", "samples"},
    {"inspect --model mlp --freeze 1", "parameters"},
    {"inspect runs/a/best.safetensors", "tensors"},
    {"explain --model mlp --freeze head", "total"},
    {"explain --model mlp --data digits --page p.html", "gradients_agree", true},
    {"advise --model mlp --data digits --epochs 1 --probe-time 1s", "command"},
    {"study --model mlp --source half --labels 2 --freeze 0,1 --steps 5 --seeds 1 --source-epochs 1 --run s "
     "--overwrite",
     "headline"},
    {"watch runs/a", "finished"},
    {"report runs/a", "files", true},
    {"merge runs/f/checkpoint.safetensors -o m.safetensors", "sha256", true},
    {"export runs/f -o f.onnx --fold", "norms_folded", true},
    {"models --no-times", "records"},
    {"models --layers", "records"},
    {"models cnn", "network"},
    {"weights", "records"},
    {"weights squeezenet", "licence"},
    {"weights --check runs/a/best.safetensors", "written_by_firn"},
    {"bench step --models mlp --freeze 0 --seconds 0.01 --threads 1", "what"},
    {"bench kernel --only softmax --seconds 0.01", "what"},
    {"data", "records"},
    {"data digits", "train"},
    {"doctor", "ok"},
};

TEST_CASE("every verb: records alone on stdout, the last one its result; with -q the answer alone") {
  Cli cli;
  REQUIRE(cli.run("train --model mlp --data digits --epochs 1 --run a").code == 0);
  std::map<std::string, int> seen;
  for (const Row& row : kRows) {
    const std::string verb = row.command.substr(0, row.command.find(' '));
    CAPTURE(row.command);
    ++seen[verb];
    const Outcome outcome = cli.run(row.command + " --json");
    INFO(outcome.err);
    REQUIRE(outcome.code == 0);
    const std::vector<std::string> lines = outcome.lines();
    REQUIRE_FALSE(lines.empty());
    std::vector<Json> records;
    for (const std::string& line : lines) {
      CAPTURE(line);
      REQUIRE_NOTHROW(records.push_back(Json::parse(line)));
      CHECK(records.back().contains("kind"));
      CHECK((records.back().at("kind") == "result") == (records.size() == lines.size()));
    }
    CHECK(records.back().at("verb") == verb);
    CHECK(records.back().at("records") == records.size() - 1);
    CHECK(records.back().contains(row.field));

    const Outcome quiet = cli.run(row.command + " -q");
    CHECK(quiet.code == 0);
    CHECK(quiet.err.empty());
    CHECK(quiet.out.empty() == row.silent);
  }
  for (const firn::cli::VerbEntry& verb : firn::cli::verbs()) {
    CAPTURE(verb.name);
    CHECK(seen.contains(std::string(verb.name)));
  }
}

TEST_CASE("a verb that fails closes nothing") {
  Cli cli;
  const Outcome outcome = cli.run("eval --weights nowhere.safetensors --data digits --json");
  CHECK(outcome.code != 0);
  CHECK(outcome.out.empty());
  CHECK(outcome.error_lines() == 1);
}

}  // namespace
