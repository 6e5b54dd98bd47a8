// firn train --memory: the same bits, and no more resident than was allowed.
#include <doctest/doctest.h>

#include <initializer_list>
#include <nlohmann/json.hpp>
#include <string>

#include "engine/base/rng.h"
#include "tests/tools/same_runs.h"

using namespace firn::test;
using Json = nlohmann::json;

namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif

constexpr int kCount = 6000, kSide = 64, kColumns = 20;

/// 25 MB of grey pictures of two classes, told by their brightness.
void write_idx(const Cli& cli) {
  firn::Random random(9, "pictures");
  const auto head = [](std::initializer_list<int> sizes) {
    std::string text{'\0', '\0', '\x08', static_cast<char>(sizes.size())};
    for (const int size : sizes) {
      for (int shift = 24; shift >= 0; shift -= 8) text += static_cast<char>(size >> shift & 255);
    }
    return text;
  };
  std::string pixels = head({kCount, kSide, kSide}), labels = head({kCount});
  for (int i = 0; i < kCount; ++i) {
    labels += static_cast<char>(i % 2);
    const std::uint32_t noise = random.bits();
    for (std::uint32_t k = 0; k < kSide * kSide; ++k)
      pixels += static_cast<char>((noise * (k + 1) >> 24) % 156 + (i % 2 == 0 ? 0U : 60U));
  }
  cli.write("set/train-images-idx3-ubyte", pixels);
  cli.write("set/train-labels-idx1-ubyte", labels);
}

/// Of a table: twenty numbers a row and a class, told by two of them. 130,000 rows are 25 MB.
void write_table(const Cli& cli, const std::string& name, int rows, bool lacking) {
  firn::Random random(9, "table");
  std::string text = "# made for a test\n";
  for (int c = 0; c < kColumns; ++c) text += "f" + std::to_string(c) + ",";
  text += "label\n";
  for (int r = 0; r < rows; ++r) {
    std::uint32_t sum = 0;
    for (int c = 0; c < kColumns; ++c) {
      const std::uint32_t value = random.below(1000000);
      if (c < 2) sum += value;
      // One row in a thousand lacks a value.
      if (lacking && c == 7 && r % 1000 == 3) {
        text += ",";
        continue;
      }
      text += std::to_string(value % 1000) + "." + std::to_string(value / 1000 + 1000) + ",";
    }
    text += sum % 1000 < 700 ? "low\n" : "high\n";
  }
  cli.write(name, text);
}

/// 24 MB of texts of two classes, told by their words.
void write_texts(const Cli& cli) {
  firn::Random random(9, "texts");
  std::string text;
  for (int r = 0; r < 60000; ++r) {
    text += r % 2 == 0 ? "even\t" : "odd\t";
    for (int w = 0; w < 60; ++w)
      text += "word" + std::to_string(random.below(500) * 2 + (r % 2 == 0 ? 0U : 1U)) + " ";
    text += "\n";
  }
  cli.write("texts.tsv", text);
}

/// 21 MB of series of two classes, told by their last value.
void write_series(const Cli& cli) {
  firn::Random random(9, "series");
  std::string text = "@classLabel true low high\n@data\n";
  for (int r = 0; r < 10000; ++r) {
    const std::uint32_t steps = 200 + random.below(100);
    for (std::uint32_t t = 0; t < steps; ++t)
      text += (t > 0 ? "," : "") + std::to_string(static_cast<double>(random.below(1000)) / 1000);
    text += r % 2 == 0 ? ",-0.5:low\n" : ",1.5:high\n";
  }
  cli.write("S_TRAIN.ts", text);
}

double greatest_resident(const Cli& cli, const std::string& run) {
  const std::string text = cli.read("runs/" + run + "/metrics.jsonl");
  double most = 0;
  for (std::size_t begin = 0, end = 0; (end = text.find('\n', begin)) != std::string::npos; begin = end + 1)
    most = std::max(most, Json::parse(text.substr(begin, end - begin)).value("rss_mb", 0.0));
  return most;
}

/// Trains without a limit and with one of so many MB: the same run, which says this, with no more resident,
/// and so many MB less than without.
void check_bound(Cli& cli, const std::string& command, int most, const std::string& said, int less) {
  const Outcome free = cli.shell(command + "free");
  INFO(free.err);
  REQUIRE(free.code == 0);
  // A sanitizer's own memory is resident too.
  const std::string limit = kSanitized ? "600M" : std::to_string(most) + "M";
  const Outcome bound = cli.shell(command + "bound --memory " + limit);
  INFO(bound.err);
  REQUIRE(bound.code == 0);
  check_same_runs(cli, "free", "bound");
  if (kSanitized) return;
  CHECK(bound.err.find(said) != std::string::npos);
  CHECK(greatest_resident(cli, "bound") < most);
  CHECK(greatest_resident(cli, "bound") < greatest_resident(cli, "free") - less);
}

}  // namespace

TEST_CASE("pictures that stay in their file train to the same weights, and are not resident") {
  Cli cli;
  write_idx(cli);
  const std::string command =
      "$FIRN train --model 'pool 8, conv 4 3x3, relu, dense' --data idx:set --epochs 2 --threads 1 --exact "
      "--augment flip,resized:0.5,rotate:10,brightness:0.3 --run ";
  check_bound(cli, command, 60, "resident, of --memory 63 MB", 15);
}

TEST_CASE("a table that stays in its file trains to the same weights, and is not resident") {
  Cli cli;
  write_table(cli, "table.csv", 130000, true);
  write_table(cli, "whole.csv", 130000, false);
  const std::string command =
      "$FIRN train --model mlp --data table.csv --epochs 2 --threads 1 --exact --run ";
  check_bound(cli, command, 40, "are written into a file in", 10);
  const std::string limit = kSanitized ? " --memory 600M" : " --memory 40M";
  for (const char* verb :
       {"eval runs/free --split test", "predict runs/free --data whole.csv --split test --top 1"}) {
    CAPTURE(verb);
    const Outcome all = cli.run(verb), some = cli.run(verb + limit);
    INFO(some.err);
    REQUIRE(all.code == 0);
    CHECK(some.code == 0);
    CHECK(some.out == all.out);
  }
  // Every row wants its answer; the fault is told in the same words.
  const std::string refused = "predict runs/free --data table.csv --split test -q";
  const Outcome all = cli.run(refused), some = cli.run(refused + limit);
  CHECK(all.code == 3);
  CHECK(some.code == 3);
  CHECK(some.err == all.err);
  CHECK(all.err.find("line 6: column 'f7' has no value") != std::string::npos);
}

TEST_CASE("texts and series that stay in their files train to the same weights, and are not resident") {
  Cli cli;
  write_texts(cli);
  write_series(cli);
  for (const std::string what :
       {"tsv:texts.tsv --tokens words --model 'embedding 4, text_conv 4 widths 3, dense'",
        "ts:S_TRAIN.ts --model 'last, dense'"}) {
    CAPTURE(what);
    const std::string command =
        "$FIRN train --epochs 2 --threads 1 --exact --batch 256 --data " + what + " --overwrite --run ";
    check_bound(cli, command, 40, "are written into a file in", 15);
  }
}

TEST_CASE("what does not fit is said before anything is written, and the forecast counts it") {
  Cli cli;
  const Outcome small = cli.run("train --model cnn --data digits --memory 4M --run a");
  INFO(small.err);
  CHECK(small.code == 2);
  CHECK(small.error_lines() == 1);
  CHECK(small.err.find("of --memory 4 MB") != std::string::npos);
  CHECK_FALSE(cli.has("runs/a"));
  const Outcome forecast =
      cli.run("train --model cnn --data digits --memory 500M --dry-run --json --epochs 1");
  INFO(forecast.err);
  REQUIRE(forecast.code == 0);
  const Json record = Json::parse(forecast.lines().back());
  CHECK(record.at("resident_bytes").get<double>() > record.at("bytes").get<double>());
  CHECK(record.at("resident_bytes").get<double>() < 500e6);
  CHECK(cli.run("train --model cnn --data digits --memory x").code == 2);
  CHECK(cli.run("train --model cnn --data digits --memory 0").code == 2);
}

TEST_CASE("eval and predict with a limit: the answers of those without") {
  Cli cli;
  write_idx(cli);
  REQUIRE(cli.shell("$FIRN train --model 'pool 8, dense' --data idx:set --epochs 1 --run r").code == 0);
  const std::string limit = kSanitized ? " --memory 600M" : " --memory 60M";
  for (const char* verb :
       {"eval runs/r --split train", "predict runs/r --data idx:set --split train --top 1"}) {
    CAPTURE(verb);
    const Outcome free = cli.run(verb), bound = cli.run(verb + limit);
    REQUIRE(free.code == 0);
    INFO(bound.err);
    CHECK(bound.code == 0);
    CHECK(bound.out == free.out);
    CHECK(bound.err.find("MB resident, of --memory") != std::string::npos);
    const Outcome small = cli.run(std::string(verb) + " --memory 4M");
    CHECK(small.code == 2);
    CHECK(small.err.find("of --memory 4 MB") != std::string::npos);
    CHECK(cli.run(std::string(verb) + " --memory 4M --quiet").error_lines() == 1);
  }
}
