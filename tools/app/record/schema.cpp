#include "tools/app/record/schema.h"

#include <fmt/core.h>

#include <map>

namespace firn::cli {

namespace {

std::int64_t pragma(Database& database, const char* name) {
  Statement statement(database, fmt::format("PRAGMA {}", name));
  return statement.next() ? statement.whole(0) : 0;
}

/// The definition of each thing in the schema, without its white space. Indices that SQLite made have none.
std::map<std::string, std::string> definitions(Database& database) {
  std::map<std::string, std::string> found;
  Statement rows(database, "SELECT type || ' ' || name, sql FROM sqlite_master WHERE sql IS NOT NULL");
  while (rows.next()) {
    std::string& text = found[rows.text(0)];
    for (const char c : rows.text(1)) {
      if (c != ' ' && c != '\n' && c != '\t' && c != '\r') text += c;
    }
  }
  return found;
}

std::string tables_of_3() {
  return R"(CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE experiments (experiment TEXT PRIMARY KEY, claim INTEGER NOT NULL, title TEXT NOT NULL,
  question TEXT NOT NULL, position INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE members (experiment TEXT NOT NULL, cell TEXT NOT NULL, PRIMARY KEY (experiment, cell)) WITHOUT ROWID;
CREATE TABLE arms (arm TEXT PRIMARY KEY, name TEXT NOT NULL, model TEXT NOT NULL, blocks INTEGER NOT NULL,
  source TEXT NOT NULL, target TEXT NOT NULL, part TEXT NOT NULL, labels INTEGER NOT NULL, freeze TEXT NOT NULL,
  frozen_blocks INTEGER NOT NULL, policy TEXT NOT NULL, bn TEXT NOT NULL, dropout TEXT NOT NULL,
  freeze_at REAL NOT NULL, steps INTEGER NOT NULL, batch INTEGER NOT NULL, rates TEXT NOT NULL,
  reference TEXT) WITHOUT ROWID;
CREATE TABLE origins (origin TEXT PRIMARY KEY, model TEXT NOT NULL, source TEXT NOT NULL, seed INTEGER NOT NULL,
  epochs INTEGER NOT NULL, accuracy REAL NOT NULL, loss REAL NOT NULL, seconds REAL NOT NULL,
  file TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE cells (cell TEXT PRIMARY KEY, arm TEXT NOT NULL, seed INTEGER NOT NULL, origin TEXT) WITHOUT ROWID;
CREATE TABLE results (cell TEXT PRIMARY KEY, accuracy REAL NOT NULL, macro_f1 REAL NOT NULL, ece REAL NOT NULL,
  loss REAL NOT NULL, train_loss REAL NOT NULL, rate REAL NOT NULL, steps INTEGER NOT NULL,
  train_samples INTEGER NOT NULL, test_samples INTEGER NOT NULL, trained_share REAL NOT NULL,
  macs_forward REAL NOT NULL, macs_input REAL NOT NULL, macs_weight REAL NOT NULL,
  bytes_predicted INTEGER NOT NULL, bytes_measured INTEGER NOT NULL, state_bytes INTEGER NOT NULL,
  seconds REAL NOT NULL, predicted_seconds REAL NOT NULL, commit_id TEXT NOT NULL,
  validation_accuracy REAL, validation_samples INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE tuning (cell TEXT NOT NULL, rate REAL NOT NULL, loss REAL NOT NULL, accuracy REAL NOT NULL,
  PRIMARY KEY (cell, rate)) WITHOUT ROWID;
CREATE TABLE curves (cell TEXT NOT NULL, step INTEGER NOT NULL, loss REAL NOT NULL, accuracy REAL NOT NULL,
  PRIMARY KEY (cell, step)) WITHOUT ROWID;
CREATE TABLE confusion (cell TEXT NOT NULL, truth INTEGER NOT NULL, predicted INTEGER NOT NULL,
  count INTEGER NOT NULL, PRIMARY KEY (cell, truth, predicted)) WITHOUT ROWID;
CREATE TABLE mistakes (cell TEXT NOT NULL, place INTEGER NOT NULL, sample INTEGER NOT NULL,
  truth INTEGER NOT NULL, predicted INTEGER NOT NULL, confidence REAL NOT NULL, height INTEGER NOT NULL,
  width INTEGER NOT NULL, channels INTEGER NOT NULL, pixels BLOB NOT NULL, text TEXT NOT NULL,
  PRIMARY KEY (cell, place)) WITHOUT ROWID;
CREATE TABLE costs (arm TEXT PRIMARY KEY, step_ms REAL NOT NULL, step_predicted_ms REAL NOT NULL,
  step_kept_ms REAL,  forward_ms REAL NOT NULL, backward_ms REAL NOT NULL, backward_predicted_ms REAL NOT NULL,
  macs_forward REAL NOT NULL, macs_input REAL NOT NULL, macs_weight REAL NOT NULL, arena_bytes INTEGER NOT NULL,
  kept_bytes INTEGER NOT NULL, state_bytes INTEGER NOT NULL, parameters INTEGER NOT NULL,
  trainable INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE classes (target TEXT NOT NULL, part TEXT NOT NULL, class INTEGER NOT NULL, name TEXT NOT NULL,
  PRIMARY KEY (target, part, class)) WITHOUT ROWID;
CREATE TABLE answers (position INTEGER PRIMARY KEY, model TEXT NOT NULL, source TEXT NOT NULL,
  target TEXT NOT NULL, part TEXT NOT NULL, labels INTEGER NOT NULL, arm TEXT NOT NULL, reference TEXT,
  text TEXT NOT NULL);
CREATE TABLE summary (arm TEXT NOT NULL, metric TEXT NOT NULL, seeds INTEGER NOT NULL, mean REAL NOT NULL,
  deviation REAL NOT NULL, low REAL NOT NULL, high REAL NOT NULL, difference REAL, difference_low REAL,
  difference_high REAL, finding TEXT, PRIMARY KEY (arm, metric)) WITHOUT ROWID;
CREATE TABLE verdicts (verdict INTEGER PRIMARY KEY, experiment TEXT NOT NULL, claim INTEGER NOT NULL,
  part TEXT NOT NULL, model TEXT NOT NULL, source TEXT NOT NULL, target TEXT NOT NULL, result TEXT NOT NULL,
  text TEXT NOT NULL);
CREATE TABLE evidence (verdict INTEGER NOT NULL, position INTEGER NOT NULL, name TEXT NOT NULL, arm TEXT NOT NULL,
  reference TEXT, metric TEXT NOT NULL, seeds INTEGER NOT NULL, difference REAL NOT NULL, low REAL NOT NULL,
  high REAL NOT NULL, PRIMARY KEY (verdict, position)) WITHOUT ROWID;
)";
}

std::string tables_of_4() {
  return R"(
CREATE TABLE items (cell TEXT PRIMARY KEY, kind TEXT NOT NULL, count INTEGER NOT NULL, scores BLOB NOT NULL,
  answers BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE tuning_cost (cell TEXT PRIMARY KEY, macs REAL NOT NULL, seconds REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE tests (arm TEXT NOT NULL, metric TEXT NOT NULL, error REAL NOT NULL, degrees REAL NOT NULL,
  p REAL NOT NULL, p_holm REAL NOT NULL, PRIMARY KEY (arm, metric)) WITHOUT ROWID;
CREATE TABLE rulings (verdict INTEGER PRIMARY KEY, family TEXT NOT NULL, family_size INTEGER NOT NULL,
  p_for REAL NOT NULL, p_against REAL NOT NULL, p_holm REAL NOT NULL);
CREATE TABLE evidence_tests (verdict INTEGER NOT NULL, position INTEGER NOT NULL, error REAL NOT NULL,
  degrees REAL NOT NULL, p REAL NOT NULL, PRIMARY KEY (verdict, position)) WITHOUT ROWID;
CREATE TABLE power (arm TEXT PRIMARY KEY, items INTEGER NOT NULL, seeds_deviation REAL NOT NULL,
  items_deviation REAL NOT NULL, rest_deviation REAL NOT NULL, seeds_for_a_point INTEGER) WITHOUT ROWID;
CREATE TABLE pooled (position INTEGER PRIMARY KEY, claim INTEGER NOT NULL, part TEXT NOT NULL,
  sets INTEGER NOT NULL, mean REAL NOT NULL, error REAL NOT NULL, low REAL NOT NULL, high REAL NOT NULL,
  p REAL NOT NULL, tau REAL NOT NULL, prediction_low REAL NOT NULL, prediction_high REAL NOT NULL);
)";
}

std::string tables_of_5() {
  return R"(
CREATE TABLE pictures (position INTEGER PRIMARY KEY, cell TEXT NOT NULL, other TEXT, content TEXT NOT NULL);
)";
}

}  // namespace

std::string study_tables() {
  return study_tables(kStudySchema);
}

std::string study_tables(int schema) {
  return tables_of_3() + (schema < 4 ? "" : tables_of_4()) + (schema < 5 ? "" : tables_of_5());
}

bool has_tables_of(Database& database, int schema) {
  return pragma(database, "user_version") >= schema;
}

void bring_up_to_date(Database& database) {
  if (has_tables_of(database, kStudySchema)) return;
  Transaction transaction(database);
  if (!has_tables_of(database, 4)) database.run(tables_of_4());
  database.run(tables_of_5());
  database.run(fmt::format("PRAGMA user_version={}", kStudySchema));
  (Statement(database, "INSERT OR REPLACE INTO meta VALUES ('schema',?)") << std::to_string(kStudySchema))
      .done();
  transaction.commit();
}

void check_study(Database& database, std::string_view operation) {
  const auto refuse = [&](const std::string& what) {
    throw Error(Fault::data, operation, fmt::format("{}: {}", database.path(), what));
  };
  if (pragma(database, "application_id") != kStudyApplication) refuse("a database, but not one of a study");
  const std::int64_t schema = pragma(database, "user_version");
  if (schema < kOldestStudySchema || schema > kStudySchema)
    refuse(fmt::format("tables of version {}, this program writes version {} (study --overwrite begins anew)",
                       schema, kStudySchema));
  Statement check(database, "PRAGMA quick_check(1)");
  if (const std::string found = check.next() ? check.text(0) : "nothing"; found != "ok")
    refuse("damaged: " + found);
  Database own(":memory:", true);
  own.run(study_tables(static_cast<int>(schema)));
  if (definitions(database) != definitions(own)) refuse("its tables are not those of a study");
}

}  // namespace firn::cli
