// firn finetune's defaults on real weights and photographs.
#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "tests/tools/cli_program.h"

using namespace firn::test;

TEST_CASE("ants and bees with a frozen SqueezeNet: at least 94 % on the test part, features kept, audited") {
  const char* given = std::getenv("FIRN_DATA_DIR");
  const std::string folder =
      given != nullptr ? given : std::string(std::getenv("FIRN_SOURCE_DIR")) + "/../shared/data";
  const std::string weights = folder + "/squeezenet/squeezenet_v1.0_imagenet_dc.safetensors";
  const std::string data = folder + "/hymenoptera";
  if (!std::filesystem::exists(weights) || !std::filesystem::exists(data)) {
    MESSAGE("no ", weights, " or ", data, ": passed over");
    return;
  }
  Cli cli;
  const Outcome outcome = cli.run("finetune --model squeezenet --weights " + weights + " --data " + data +
                                  " --validation none --no-run --json");
  REQUIRE(outcome.code == 0);
  nlohmann::json last;
  for (const std::string& line : outcome.lines()) {
    const nlohmann::json json = nlohmann::json::parse(line);
    if (json.at("kind") == "result") last = json;
  }
  CHECK(last.at("test_accuracy").get<double>() >= 0.94);
  CHECK(outcome.err.find("forecast: a step of 64 takes") != std::string::npos);
  CHECK(outcome.err.find("features are kept") != std::string::npos);
  CHECK(outcome.err.find("frozen tensors unchanged: 50/50") != std::string::npos);
}
