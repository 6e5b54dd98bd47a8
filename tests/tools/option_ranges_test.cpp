// Every number that a verb takes is read in full, fits and is in its range, before anything is done.
#include <doctest/doctest.h>
#include <fmt/core.h>

#include <cmath>
#include <string>
#include <vector>

#include "engine/base/error.h"
#include "tests/tools/cli_program.h"
#include "tools/app/verbs/verbs.h"

namespace {

using namespace firn;
using namespace firn::cli;
using firn::test::Cli;
using firn::test::Outcome;

/// The error that a verb's options give for these words; empty: none.
std::string refusal(const VerbEntry& verb, const std::vector<std::string>& words) {
  const VerbPtr made = verb.make();
  Arguments arguments(std::string(verb.name), "");
  made->declare(arguments);
  try {
    arguments.parse(words);
  } catch (const Error& error) {
    CHECK(error.fault() == Fault::usage);
    return error.what();
  }
  return "";
}

/// Words that are no number of the range.
std::vector<std::string> bad_values(const Arguments::Numeric& option) {
  std::vector<std::string> bad = {"",
                                  " ",
                                  "nan",
                                  "-nan",
                                  "inf",
                                  "-inf",
                                  "x",
                                  "3x",
                                  "x3",
                                  "1e99",
                                  "--",
                                  "0x10",
                                  "-5",
                                  "1,,2",
                                  "1, 2",
                                  "1e999",
                                  "1e-999",
                                  "+-1",
                                  "-9223372036854775808"};
  for (const char* large : {"9223372036854775807", "9223372036854775808", "99999999999999999999999"}) {
    if (option.whole || option.range.most < 9e18) bad.emplace_back(large);
  }
  if (option.whole) {
    bad.emplace_back("0.5");
    bad.emplace_back("1e3");
    bad.push_back(fmt::format("{:.0f}", option.range.most + 1));
    bad.push_back(fmt::format("{:.0f}", option.range.least - 1));
  } else {
    bad.push_back(fmt::format("{}", option.range.most * (1 + 1e-6)));
    bad.push_back(fmt::format("{}", option.range.least - 1e-6));
    if (option.range.above) bad.push_back(fmt::format("{}", option.range.least));
    if (option.range.below) bad.push_back(fmt::format("{}", option.range.most));
  }
  return bad;
}

TEST_CASE("every number of every verb is held to its range") {
  std::size_t options = 0;
  for (const VerbEntry& verb : verbs()) {
    const VerbPtr made = verb.make();
    Arguments declared(std::string(verb.name), "");
    made->declare(declared);
    for (const Arguments::Numeric& option : declared.numerics()) {
      ++options;
      for (const std::string& value : bad_values(option)) {
        for (const bool joined : {false, true}) {
          if (joined && value.empty()) continue;
          const auto words = joined ? std::vector<std::string>{option.name + "=" + value}
                                    : std::vector<std::string>{option.name, value};
          INFO(verb.name << " " << option.name << " '" << value << "'");
          const std::string error = refusal(verb, words);
          CHECK(error.find(option.name) != std::string::npos);
          CHECK(error.find(option.range.text(option.whole)) != std::string::npos);
          CHECK(error.find('\n') == std::string::npos);
        }
      }
      const double inside = option.range.least + (option.range.above || option.range.below ? 0.5 : 0);
      const std::string least = fmt::format("{}", inside);
      INFO(verb.name << " " << option.name << " " << least);
      CHECK(option.range.holds(inside));
      CHECK(refusal(verb, {option.name, least}).empty());
      CHECK(refusal(verb, {option.name + "=" + least}).empty());
    }
  }
  CHECK(options > 70);
}

TEST_CASE("seeds take all of 64 bits and nothing else") {
  for (const VerbEntry& verb : verbs()) {
    if (verb.name != "train" && verb.name != "study") continue;
    CHECK(refusal(verb, {"--seed", "18446744073709551615"}).empty());
    for (const char* bad : {"-1", "18446744073709551616", "1.5", "", "nan"}) {
      INFO(bad);
      CHECK(refusal(verb, {"--seed", bad}).find("--seed") != std::string::npos);
    }
  }
}

TEST_CASE("a list is read whole or not at all") {
  const VerbEntry& train = verbs()[0];
  REQUIRE(train.name == "train");
  CHECK(refusal(train, {"--block-rates", "1,0.5,0"}).empty());
  CHECK(refusal(train, {"--block-rates", "1", "0.5"}).empty());
  CHECK(refusal(train, {"--block-rates=-1,1,1"}).find("--block-rates -1: want a number from 0") !=
        std::string::npos);
  CHECK_FALSE(refusal(train, {"--block-rates", "1,"}).empty());
  CHECK_FALSE(refusal(train, {"--block-rates", ",1"}).empty());
  CHECK_FALSE(refusal(train, {"--block-rates", "1,nan"}).empty());
}

TEST_CASE("the program refuses them with one line, exit code 2, and no run") {
  Cli cli;
  const std::string train = "train --model mlp --data digits ";
  const std::vector<std::string> lines = {
      train + "--batch 0",
      train + "--batch=-1",
      train + "--batch 9223372036854775807",
      train + "--threads -5",
      train + "--threads 1000",
      train + "--epochs 0",
      train + "--rate nan",
      train + "--rate=-1",
      train + "--momentum 1",
      train + "--optimizer adam --betas 0.9,1",
      train + "--optimizer adam --betas 0.9",
      train + "--optimizer sgd --betas 0.9,0.99",
      train + "--optimizer adam --alpha 0.9",
      train + "--optimizer rmsprop --alpha 1",
      train + "--optimizer rmsprop --epsilon=-1",
      train + "--optimizer sgd --epsilon 0.1",
      train + "--smoothing 1",
      train + "--block-rates=-1,1,1",
      train + "--patience=-1",
      train + "--labels=-1",
      train + "--schedule step:0:0.1",
      train + "--schedule step:nan:0.1",
      train + "--schedule step:0.5:0.1",
      train + "--schedule step:2:nan",
      train + "--schedule step:2:-1",
      train + "--schedule cosine,warm-up:-1",
      train + "--schedule cosine,warm-up:1e99",
      train + "--augment shift:-1",
      train + "--augment crop:99999999999999999999",
      train + "--thaw 0:all",
      train + "--thaw 9223372036854775808:all",
      train + "--frozen-state decay:nan",
      train + "--policy first,k=99999999999",
      train + "--policy freezeout,t0=nan",
      train + "--policy lp-ft,probe=-1",
      train + "--cache-memory -1",
      train + "--cache-memory 99999999999G",
      "data digits --size 0",
      "data digits --limit -2",
      "finetune --weights w --data digits --epochs 0",
      "study --seeds 1000000",
      "study --seeds 0",
      "study --labels -1",
      "study --labels 99999999999999999999",
      "study --threads 0",
      "study --rate nan",
      "study --freeze-at 1.5",
      "advise --model mlp --data digits --time nan",
      "advise --model mlp --data digits --accuracy nan",
      "bench step --seconds 0",
      "bench step --threads 0",
      "bench compare --pairs 0",
      "inspect --model cnn --input 8,8,0",
      "inspect --model cnn --classes 0",
  };
  for (const std::string& line : lines) {
    const Outcome outcome = cli.run(line);
    INFO(line << "\n" << outcome.err);
    CHECK(outcome.code == 2);
    CHECK(outcome.error_lines() == 1);
    CHECK(outcome.out.empty());
  }
  const Outcome empty = cli.run(train + "--rate", {""});
  CHECK(empty.code == 2);
  CHECK(empty.err.find("--rate '': want a number from 0 to 1e+38") != std::string::npos);
  CHECK(cli.files().empty());
}

}  // namespace
