// Two runs that are to be the same, and runs that are killed.
#pragma once

#include <doctest/doctest.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "tests/tools/cli_program.h"

namespace firn::test {

inline void wait_ms(int ms) {
  std::this_thread::sleep_for(std::chrono::milliseconds(ms));
}

/// metrics.jsonl without times, memory and the name of the run, and without what a cache decided by time.
inline std::vector<nlohmann::json> metrics_of(const Cli& cli, const std::string& run) {
  std::vector<nlohmann::json> lines;
  std::string text = cli.read("runs/" + run + "/metrics.jsonl");
  for (std::size_t end = 0; (end = text.find('\n')) != std::string::npos; text.erase(0, end + 1)) {
    nlohmann::json line = nlohmann::json::parse(text.substr(0, end));
    for (const char* field : {"seconds", "eval_seconds", "rss_mb", "forecast_seconds",
                              "forecast_seconds_full", "sentences", "run"})
      line.erase(field);
    // It speaks of one process: what that had to compute anew.
    if (line.at("kind") != "cache") lines.push_back(std::move(line));
  }
  return lines;
}

/// results.csv without the columns seconds, eval_seconds and rss_mb.
inline std::string results_of(const Cli& cli, const std::string& run) {
  std::string text = cli.read("runs/" + run + "/results.csv"), out;
  int column = 0;
  for (const char c : text) {
    if (column < 6 || column > 8) out += c;
    if (c == ',') ++column;
    if (c == '\n') column = 0;
  }
  return out;
}

inline void check_same_runs(const Cli& cli, const std::string& a, const Cli& other, const std::string& b) {
  for (const char* file : {"last.safetensors", "best.safetensors", "confusion.json"}) {
    CAPTURE(file);
    CHECK(cli.read("runs/" + a + "/" + file) == other.read("runs/" + b + "/" + file));
  }
  CHECK(metrics_of(cli, a) == metrics_of(other, b));
  CHECK(results_of(cli, a) == results_of(other, b));
}

inline void check_same_runs(const Cli& cli, const std::string& a, const std::string& b) {
  check_same_runs(cli, a, cli, b);
}

/// Looks every `ms` milliseconds, for half a minute at most.
inline void wait_for(const Cli& cli, const std::string& file, int ms = 50) {
  for (int i = 0; i < 30000 / ms && !cli.has(file); ++i) wait_ms(ms);
  REQUIRE(cli.has(file));
}

}  // namespace firn::test
