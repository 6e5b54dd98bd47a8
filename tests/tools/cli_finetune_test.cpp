// firn finetune, the feature cache and the audit, as their users see them.
#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/tools/cli_program.h"

namespace {

using firn::test::Cli;
using firn::test::Outcome;
using Json = nlohmann::json;

std::vector<Json> lines_of_kind(const Outcome& outcome, const std::string& kind) {
  std::vector<Json> found;
  for (const std::string& line : outcome.lines()) {
    const Json json = Json::parse(line);
    if (json.at("kind") == kind) found.push_back(json);
  }
  return found;
}

bool says(const Outcome& outcome, const std::string& words) {
  INFO(outcome.err);
  return outcome.err.find(words) != std::string::npos;
}

void train_first(Cli& cli) {
  REQUIRE(
      cli.run("train --model cnn --data digits --labels 20 --epochs 1 --run first --validation none").code ==
      0);
}

TEST_CASE("a part of a tensor is priced before the run and audited behind it") {
  Cli cli;
  const Outcome outcome = cli.run(
      "train --model cnn --data digits --labels 20 --epochs 1 --no-run --json --freeze conv2.weight[0:48]");
  CHECK(outcome.code == 0);
  CHECK(says(outcome, "frozen tensors unchanged: 1/1, 1 of them frozen in part (sha256)"));
  const std::vector<Json> audits = lines_of_kind(outcome, "audit");
  REQUIRE(audits.size() == 1);
  const Json& audit = audits.front();
  CHECK(audit.at("watched") == 1);
  CHECK(audit.at("in_part") == 1);
  CHECK(audit.at("changed").empty());
  CHECK(audit.at("kernels") == audit.at("kernels_full"));
  // The kernels that differ have prices of their own.
  CHECK(audit.at("forecast_seconds") != audit.at("forecast_seconds_full"));
}

TEST_CASE("a run with its frozen part in bf16 says what that costs") {
  Cli cli;
  train_first(cli);
  const Outcome outcome = cli.run(
      "finetune --weights runs/first/last.safetensors --data digits --epochs 2 --frozen-precision bf16 --run "
      "low "
      "--json");
  CHECK(outcome.code == 0);
  CHECK(says(outcome, "audit: frozen part in bf16: validation accuracy 0."));
  const std::vector<Json> audits = lines_of_kind(outcome, "audit");
  REQUIRE(audits.size() == 1);
  const Outcome eval =
      cli.run("eval --weights runs/low/last.safetensors --data digits --split validation --json");
  REQUIRE(eval.code == 0);
  const Json judged = Json::parse(eval.lines().at(0));
  CHECK(audits[0].at("fp32_accuracy") == judged.at("accuracy"));
  CHECK(audits[0].at("fp32_loss").get<double>() == doctest::Approx(judged.at("loss").get<double>()));
  CHECK(audits[0].at("bf16_loss") != audits[0].at("fp32_loss"));
}

TEST_CASE("finetune: a new head, all else frozen, features kept") {
  Cli cli;
  train_first(cli);
  const std::string from = "finetune --weights runs/first/last.safetensors --data digits --epochs 4 ";
  const Outcome outcome = cli.run(from + "--run kept");
  CHECK(outcome.code == 0);
  CHECK(says(outcome, "block 3 starts anew, from zero: fc2"));
  CHECK(says(outcome, "ms from kept features; "));
  CHECK(says(outcome, "s with this frozen and its features kept, "));
  CHECK(says(outcome, "cache: features before fc2 (128 numbers"));
  CHECK(says(outcome, "cache: features are kept: a sample's features take"));
  const Json config = Json::parse(cli.read("runs/kept/config.json"));
  CHECK(config.at("freezing").at("freeze") == "head");
  CHECK(config.at("training").at("optimizer") == "adam");
  CHECK(config.at("training").at("rate") == 1e-3);

  // Whatever is kept and wherever: the same bytes.
  for (const std::string cache : {"off", "on", "ram", "disk"}) {
    const Outcome run = cli.run(from + "--run " + cache + " --cache " + cache);
    CHECK(run.code == 0);
    CHECK((run.err.find("from kept features") == std::string::npos) == (cache == "off"));
    CHECK(cli.read("runs/" + cache + "/last.safetensors") == cli.read("runs/kept/last.safetensors"));
  }
  const Outcome json = cli.run(from + "--json --no-run --cache-memory 1K");
  const std::vector<Json> events = lines_of_kind(json, "cache");
  REQUIRE(events.size() == 2);
  CHECK(events[0].at("event") == "begun");
  CHECK(events[0].at("on_disk") == true);
  CHECK(events[1].at("event") == "kept");
  CHECK(events[1].at("read_us").get<double>() < events[1].at("compute_us").get<double>());
  CHECK(lines_of_kind(json, "epoch").size() == 4);
}

TEST_CASE("finetune: a head alone has its steps, its features are standardised unless asked otherwise") {
  Cli cli;
  train_first(cli);
  const std::string from = "finetune --weights runs/first/last.safetensors --data digits --labels 10 ";
  const auto config = [&](const std::string& name) {
    return Json::parse(cli.read("runs/" + name + "/config.json"));
  };
  const Outcome usual = cli.run(from + "--run usual");
  CHECK(usual.code == 0);
  CHECK(says(usual, "as if its features had mean 0 and deviation 1, its logits a prior deviation of 2"));
  CHECK(config("usual").at("training").at("epochs") == 200);  // two steps each
  CHECK(config("usual").at("head_features") == "standardised");
  CHECK(cli.run(from + "--head-features raw --run raw").code == 0);
  CHECK(config("raw").at("head_features") == "raw");
  CHECK(cli.read("runs/raw/last.safetensors") != cli.read("runs/usual/last.safetensors"));
  const Outcome decayed = cli.run(from + "--decay 0 --run decayed");
  CHECK(says(decayed, "mean 0 and deviation 1 ("));
  CHECK(cli.read("runs/decayed/last.safetensors") != cli.read("runs/usual/last.safetensors"));
  CHECK(cli.run(from + "--freeze 2 --run part").code == 0);
  CHECK(config("part").at("training").at("epochs") == 20);
  CHECK(cli.run(from + "--keep-head --epochs 1 --run kept").code == 0);
  CHECK(config("kept").at("head_features") == "raw");
}

TEST_CASE("finetune: weights that saw mirror images see them again, and both views are kept") {
  Cli cli;
  REQUIRE(cli.run("train --model cnn --data digits --labels 5 --epochs 1 --augment flip --run first").code ==
          0);
  const std::string from =
      "finetune --weights runs/first/last.safetensors --data digits --labels 5 --epochs 3 --run ";
  const Outcome flipped = cli.run(from + "flipped");
  CHECK(says(flipped, "40 training samples in 2 views"));
  CHECK(Json::parse(cli.read("runs/flipped/config.json")).at("training").at("augment") == "flip");
  // Whatever the new run did, what lies below its head did see them.
  CHECK_FALSE(says(cli.run(from + "plain --augment none"), "in 2 views"));
  CHECK(says(
      cli.run("finetune --weights runs/plain/last.safetensors --data digits --labels 5 --epochs 3 --no-run"),
      "in 2 views"));
}

TEST_CASE("finetune: the rate falls where the backbone trains, and the head can stay") {
  Cli cli;
  REQUIRE(cli.run("train --model cnn --data digits --epochs 3 --run first").code == 0);
  const std::string from =
      "finetune --weights runs/first/last.safetensors --data digits --labels 10 --epochs 1 ";
  const auto rate = [&](const std::string& name) {
    return Json::parse(cli.read("runs/" + name + "/config.json")).at("training").at("rate").get<double>();
  };
  CHECK(cli.run(from + "--freeze 1 --run part").code == 0);
  CHECK(rate("part") == doctest::Approx(1e-4));
  CHECK(cli.run(from + "--policy lp-ft --run steps").code == 0);
  CHECK(rate("steps") == doctest::Approx(1e-3));
  CHECK(cli.run(from + "--policy slimfit --run slim").code == 0);
  CHECK(rate("slim") == doctest::Approx(1e-4));
  CHECK(cli.run(from + "--thaw 1:all --rate 0.5 --run thawed").code == 0);
  CHECK(rate("thawed") == 0.5);

  const Outcome kept = cli.run(from + "--keep-head --json --no-run");
  CHECK_FALSE(says(kept, "starts anew"));
  const Outcome fresh = cli.run(from + "--json --no-run");
  const double first_loss = lines_of_kind(kept, "epoch").at(0).at("loss").get<double>();
  CHECK(first_loss < lines_of_kind(fresh, "epoch").at(0).at("loss").get<double>());
}

TEST_CASE("finetune: views of augmented images are kept, random ones are not") {
  Cli cli;
  train_first(cli);
  const std::string from =
      "finetune --weights runs/first/last.safetensors --data digits --labels 10 --epochs 5 --no-run "
      "--augment shift:1";
  CHECK(says(cli.run(from), "cache: features are not kept: augmentation changes the samples"));
  CHECK(says(cli.run(from + " --cache-views 2"), "training samples in 2 views"));
}

/// A table of ten rows for each of `classes` classes.
std::string csv_of(int classes) {
  std::string csv = "f,g,h,label\n";
  for (int i = 0; i < 10 * classes; ++i) {
    const std::string c = std::to_string(i % classes);
    csv += c + "," + std::to_string(i % 5) + "," + std::to_string(i % 7) + "," + c + "\n";
  }
  return csv;
}

TEST_CASE("finetune: what cannot be meant") {
  Cli cli;
  train_first(cli);
  const auto refused = [&](const std::string& arguments, const std::string& words) {
    const Outcome outcome = cli.run("finetune --data digits --no-run " + arguments);
    INFO(outcome.err);
    CHECK(outcome.code == 2);
    CHECK(outcome.error_lines() == 1);
    CHECK(outcome.out.empty());
    return outcome.err.find(words) != std::string::npos;
  };
  const std::string weights = "--weights runs/first/last.safetensors ";
  CHECK(refused("", "weights are needed: a run of yours"));
  CHECK(refused(weights + "--cache sometimes", "--cache"));
  CHECK(refused(weights + "--cache-memory much", "no whole number"));
  CHECK(refused(weights + "--cache-memory 99999999999G", "no number of bytes"));
  CHECK(refused(weights + "--cache-views 2", "--cache-views goes with --augment"));
  const Outcome full = cli.run("finetune --data digits --no-run --cache ram --cache-memory 1000 " + weights);
  CHECK(full.code == 2);
  CHECK(says(full, "the limit is 1000"));
  CHECK(refused(weights + "--replace-head", "--replace-head"));
  cli.write("three.csv", csv_of(3));
  cli.write("two.csv", csv_of(2));
  REQUIRE(cli.run("train --model mlp --data three.csv --epochs 1 --run three").code == 0);
  const Outcome kept =
      cli.run("finetune --weights runs/three/last.safetensors --data two.csv --keep-head --no-run");
  CHECK(kept.code == 2);
  CHECK(kept.err.find("without --keep-head") != std::string::npos);
  CHECK(cli.run("finetune --weights runs/three/last.safetensors --data two.csv --no-run --epochs 1").code ==
        0);
}

TEST_CASE("finetune: a squeezenet with its plain head is read back as it was written") {
  const char* folder = std::getenv("FIRN_DATA_DIR");
  const std::string cifar =
      std::string(folder != nullptr ? folder
                                    : std::string(std::getenv("FIRN_SOURCE_DIR")) + "/../shared/data") +
      "/cifar10";
  if (!std::filesystem::exists(cifar)) {
    MESSAGE("no ", cifar, ": passed over");
    return;
  }
  Cli cli;
  const std::string data = " --data " + cifar + " --labels 2 --size 32";
  REQUIRE(cli.run("train --model squeezenet --epochs 1 --run base" + data).code == 0);
  const Outcome tuned =
      cli.run("finetune --weights runs/base/last.safetensors --epochs 2 --json --run tuned" + data);
  REQUIRE(tuned.code == 0);
  const Outcome judged = cli.run("eval --json --weights runs/tuned/best.safetensors --data " + cifar);
  REQUIRE(judged.code == 0);
  CHECK(Json::parse(judged.out).at("loss").get<double>() ==
        doctest::Approx(lines_of_kind(tuned, "result").back().at("test_loss").get<double>()));
}

}  // namespace
