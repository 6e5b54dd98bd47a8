// Every fuzzer, compiled into one program and given a few inputs: what it feeds still exists, and does not
// fall over at once. tools/fuzz is the real thing.
#include <doctest/doctest.h>

#include <vector>

#include "engine/base/rng.h"
#include "tests/fuzz/fuzzers.inc"

TEST_CASE("each fuzzer takes empty, short and random input") {
  std::vector<std::vector<std::uint8_t>> inputs{{}, {0}, {0xff}, std::vector<std::uint8_t>(300, 0)};
  firn::Random random(1, "fuzz");
  for (const std::size_t size : {7, 64, 500}) {
    std::vector<std::uint8_t>& input = inputs.emplace_back(size);
    for (std::uint8_t& byte : input) byte = static_cast<std::uint8_t>(random.below(256));
  }
  for (const Fuzzer& fuzzer : kFuzzers) {
    CAPTURE(fuzzer.name);
    for (const auto& input : inputs) CHECK(fuzzer.run(input.data(), input.size()) == 0);
  }
}
