// A study as small as one can be, and a look into its file.
#pragma once

#include <doctest/doctest.h>

#include <cstdint>
#include <cstdio>
#include <map>
#include <string>

#include "tests/tools/cli_program.h"
#include "tools/app/record/sqlite.h"

namespace firn::test {

/// Small enough for a second; most of it goes into the pictures of what freezing did inside.
inline const std::string kPicturedTinyStudy =
    "study --model mlp --steps 6 --batch 8 --source-epochs 1 --rate 1e-3,3e-3,1e-2 --test-samples 100 ";
inline const std::string kTinyStudy = kPicturedTinyStudy + "--no-pictures ";
/// 2 sources, 2 label counts, 3 cuts, scratch and new weights with each cut.
inline const std::string kSmallGrid = "--seeds 2 --source half,drawn --labels 1,3 ";
inline const std::string kSmallStudy = kTinyStudy + kSmallGrid;
inline const std::string kPicturedStudy = kPicturedTinyStudy + kSmallGrid;

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

/// All that two runs of one command must agree on, table by table: everything but what is measured (seconds,
/// bytes of memory).
inline std::map<std::string, std::string> study_tables(const Cli& cli, const std::string& run) {
  cli::Database database(cli.path("runs/" + run + "/results.sqlite"), false);
  std::map<std::string, std::string> tables;
  for (const char* table :
       {"arms", "cells", "tuning", "curves", "confusion", "experiments", "members", "classes"})
    tables[table] = rows(database, std::string("SELECT * FROM ") + table);
  tables["mistakes"] =
      rows(database, "SELECT cell,place,sample,truth,predicted,confidence,hex(pixels) FROM mistakes");
  tables["items"] = rows(database, "SELECT cell,kind,count,hex(scores),hex(answers) FROM items");
  tables["pictures"] = rows(database, "SELECT * FROM pictures");
  tables["rulings"] = rows(database, "SELECT * FROM rulings");
  tables["power"] = rows(database, "SELECT * FROM power");
  tables["origins"] = rows(database, "SELECT origin,model,source,seed,epochs,accuracy,loss FROM origins");
  tables["results"] = rows(database,
                           "SELECT cell,accuracy,macro_f1,ece,loss,train_loss,rate,steps,train_samples,"
                           "test_samples,trained_share,macs_forward,macs_input,macs_weight,bytes_predicted,"
                           "state_bytes FROM results");
  tables["summary"] =
      rows(database, "SELECT * FROM summary WHERE metric NOT IN ('seconds','predicted_seconds')");
  tables["verdicts"] = rows(database, "SELECT * FROM verdicts");
  tables["evidence"] = rows(database, "SELECT * FROM evidence WHERE metric NOT IN ('seconds')");
  return tables;
}

inline void check_same_tables(const std::map<std::string, std::string>& a,
                              const std::map<std::string, std::string>& b) {
  for (const auto& table : a) {
    INFO(table.first);
    const bool same = table.second == b.at(table.first);  // a difference is too long to be shown
    CHECK(same);
  }
}

}  // namespace firn::test
