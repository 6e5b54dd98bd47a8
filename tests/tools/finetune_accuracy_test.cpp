// firn finetune's defaults on real weights and photographs.
#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "tests/tools/cli_program.h"

using namespace firn::test;

namespace {

/// finetune of a frozen SqueezeNet on ants and bees with `options`; none where weights or pictures are
/// missing.
std::optional<Outcome> tuned(const std::string& options) {
  const char* given = std::getenv("FIRN_DATA_DIR");
  const std::string folder =
      given != nullptr ? given : std::string(std::getenv("FIRN_SOURCE_DIR")) + "/../shared/data";
  const std::string weights = folder + "/squeezenet/squeezenet_v1.0_imagenet_dc.safetensors";
  const std::string data = folder + "/hymenoptera";
  if (!std::filesystem::exists(weights) || !std::filesystem::exists(data)) {
    MESSAGE("no ", weights, " or ", data, ": passed over");
    return {};
  }
  Cli cli;
  const Outcome outcome = cli.run("finetune --model squeezenet --weights " + weights + " --data " + data +
                                  " --no-run --json " + options);
  REQUIRE(outcome.code == 0);
  return outcome;
}

nlohmann::json result_of(const Outcome& outcome) {
  return nlohmann::json::parse(outcome.lines().back());
}

}  // namespace

TEST_CASE("ants and bees with a frozen SqueezeNet: at least 94 % on the test part, features kept, audited") {
  const auto outcome = tuned("--validation none");
  if (!outcome) return;
  CHECK(result_of(*outcome).at("test_accuracy").get<double>() >= 0.94);
  CHECK(outcome->err.find("forecast: a step of 64 takes") != std::string::npos);
  CHECK(outcome->err.find("features are kept") != std::string::npos);
  CHECK(outcome->err.find("frozen tensors unchanged: 50/50") != std::string::npos);
}

TEST_CASE("by default a fifth of them is held out to choose by: at least 89 % on the test part") {
  const auto outcome = tuned("");
  if (!outcome) return;
  const nlohmann::json result = result_of(*outcome);
  CHECK(result.at("validation_samples") == 48);
  CHECK(result.at("weights") == "best");
  // 90.2 % with seed 1; a standard error of 153 samples is 2.3 points.
  CHECK(result.at("test_accuracy").get<double>() >= 0.89);
}
