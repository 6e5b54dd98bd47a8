// A study as small as one can be, and a look into its file.
#pragma once

#include <doctest/doctest.h>

#include <cstdint>
#include <cstdio>
#include <string>

#include "tests/tools/cli_program.h"
#include "tools/app/record/sqlite.h"

namespace firn::test {

/// Small enough for a second.
inline const std::string kTinyStudy =
    "study --model mlp --steps 6 --batch 8 --source-epochs 1 --rate 1e-3,3e-3,1e-2 --test-samples 100 ";
/// 2 sources, 2 label counts, 3 cuts, scratch and new weights with each cut.
inline const std::string kSmallStudy = kTinyStudy + "--seeds 2 --source half,drawn --labels 1,3 ";

/// The rows of a table but for what differs from run to run.
inline std::string rows(cli::Database& database, const std::string& sql) {
  cli::Statement statement(database, sql);
  std::string text;
  while (statement.next()) {
    for (int column = 0; column < statement.columns(); ++column) {
      char exact[40] = "";
      if (statement.is_real(column)) std::snprintf(exact, sizeof exact, "%a", statement.number(column));
      text += (statement.is_real(column) ? exact : statement.printed(column)) + "|";
    }
    text += "\n";
  }
  return text;
}

/// The number that a query of a run's file begins with.
inline std::int64_t number(const Cli& cli, const std::string& run, const std::string& sql) {
  cli::Database database(cli.path("runs/" + run + "/results.sqlite"), false);
  cli::Statement statement(database, sql);
  REQUIRE(statement.next());
  return statement.whole(0);
}

}  // namespace firn::test
