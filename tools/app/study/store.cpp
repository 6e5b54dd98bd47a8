#include "tools/app/study/store.h"

#include <fmt/core.h>

#include <cstring>

#include "engine/base/error.h"
#include "tools/app/record/schema.h"

namespace firn::cli {

namespace {

std::string json_rates(const std::vector<double>& rates) {
  std::string text;
  for (const double rate : rates) text += (text.empty() ? "" : ",") + number_text(rate);
  return "[" + text + "]";
}

void add_tables(Database& database, const Cell& cell, const CellResult& r) {
  Statement tuning(database, "INSERT INTO tuning VALUES (?,?,?,?)");
  for (const TriedRate& t : r.tried) (tuning << cell.key << t.rate << t.loss << t.accuracy).done();
  Statement curve(database, "INSERT INTO curves VALUES (?,?,?,?)");
  for (const CurvePoint& p : r.curve) (curve << cell.key << p.step << p.loss << p.accuracy).done();
  Statement confusion(database, "INSERT INTO confusion VALUES (?,?,?,?)");
  for (Index truth = 0; truth < r.classes && !r.confusion.empty(); ++truth) {
    for (Index said = 0; said < r.classes; ++said) {
      const Index count = r.confusion[static_cast<std::size_t>(truth * r.classes + said)];
      if (count > 0) (confusion << cell.key << truth << said << count).done();
    }
  }
  if (!r.tried.empty()) {
    Statement cost(database, "INSERT INTO tuning_cost VALUES (?,?,?)");
    (cost << cell.key << r.tuning_macs << r.tuning_seconds).done();
  }
  if (!r.items.kind.empty()) {
    Statement items(database, "INSERT INTO items VALUES (?,?,?,?,?)");
    const std::vector<std::uint8_t> scores = packed_scores(r.items);
    items << cell.key << r.items.kind << static_cast<std::int64_t>(r.items.scores.size());
    items << std::span<const std::uint8_t>(scores) << std::span<const std::uint8_t>(r.items.answers);
    items.done();
  }
  Statement mistake(database, "INSERT INTO mistakes VALUES (?,?,?,?,?,?,?,?,?,?,?)");
  Index place = 0;
  for (const Mistake& m : r.mistakes) {
    mistake << cell.key << place++ << m.sample << m.truth << m.predicted << m.confidence;
    mistake << m.height << m.width << m.channels << std::span<const std::uint8_t>(m.pixels) << m.text;
    mistake.done();
  }
}

}  // namespace

std::vector<std::uint8_t> packed_scores(const ItemAnswers& items) {
  std::vector<std::uint8_t> bytes;
  if (items.kind == "classes") {
    bytes.resize((items.scores.size() + 7) / 8);
    for (std::size_t i = 0; i < items.scores.size(); ++i) {
      if (items.scores[i] != 0) bytes[i / 8] = static_cast<std::uint8_t>(bytes[i / 8] | (1u << (i % 8)));
    }
    return bytes;
  }
  bytes.resize(items.scores.size() * sizeof(float));
  std::memcpy(bytes.data(), items.scores.data(), bytes.size());
  return bytes;
}

std::vector<float> unpacked_scores(const std::string& kind, Index count, std::span<const std::uint8_t> bytes,
                                   const std::string& path) {
  const auto n = static_cast<std::size_t>(count);
  const bool bits = kind == "classes";
  if (bytes.size() != (bits ? (n + 7) / 8 : n * sizeof(float))) {
    throw Error(Fault::data, "study",
                fmt::format("{}: scores of {} items in {} bytes", path, count, bytes.size()));
  }
  std::vector<float> scores(n);
  if (bits) {
    for (std::size_t i = 0; i < n; ++i) scores[i] = static_cast<float>(bytes[i / 8] >> (i % 8) & 1);
  } else {
    std::memcpy(scores.data(), bytes.data(), bytes.size());
  }
  return scores;
}

Store::Store(const std::string& path, std::string commit)
    : database_(path, true), commit_(std::move(commit)) {
  make_or_check();
  read_keys();
}

void Store::make_or_check() {
  Statement count(database_, "SELECT count(*) FROM sqlite_master");
  const bool empty = count.next() && count.whole(0) == 0;
  if (empty) {
    Transaction transaction(database_);
    database_.run(fmt::format("PRAGMA application_id={}", kStudyApplication));
    database_.run(study_tables());
    database_.run(fmt::format("PRAGMA user_version={}", kStudySchema));
    (Statement(database_, "INSERT INTO meta VALUES ('schema',?)") << std::to_string(kStudySchema)).done();
    transaction.commit();
    return;
  }
  check_study(database_, "study");
  bring_up_to_date(database_);
}

void Store::read_keys() {
  const auto read = [&](const char* sql, std::set<std::string>& to) {
    Statement statement(database_, sql);
    while (statement.next()) to.insert(statement.text(0));
  };
  read("SELECT cell FROM results", cells_);
  read("SELECT arm FROM costs", costs_);
  read("SELECT origin FROM origins", origins_);
}

std::optional<std::string> Store::meta(const std::string& key) {
  Statement statement(database_, "SELECT value FROM meta WHERE key=?");
  statement << key;
  if (!statement.next()) return std::nullopt;
  return statement.text(0);
}

void Store::set_meta(const std::string& key, const std::string& value) {
  const std::lock_guard lock(guard_);
  (Statement(database_, "INSERT OR REPLACE INTO meta VALUES (?,?)") << key << value).done();
}

void Store::add_arm(const Arm& a) {
  const std::lock_guard lock(guard_);
  Statement s(database_, "INSERT OR REPLACE INTO arms VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)");
  s << a.key() << a.name() << a.model << a.blocks << a.source << a.target << a.part << a.labels << a.freeze;
  s << a.frozen_blocks() << a.policy << a.bn << a.dropout << a.freeze_at << a.budget.steps << a.budget.batch;
  s << json_rates(a.budget.rates);
  s.text_or_null(a.full() ? std::string() : a.full_tuning().key());
  s.done();
}

void Store::add_cost(const std::string& arm, const ArmCost& c) {
  const std::lock_guard lock(guard_);
  Statement s(database_, "INSERT OR REPLACE INTO costs VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)");
  s << arm << c.step_ms << c.step_predicted_ms;
  c.step_kept_ms ? s << *c.step_kept_ms : s.null();
  s << c.forward_ms << c.backward_ms << c.backward_predicted_ms;
  s << c.macs_forward << c.macs_input << c.macs_weight << c.arena_bytes << c.kept_bytes << c.state_bytes;
  (s << c.parameters << c.trainable).done();
  costs_.insert(arm);
}

void Store::add_origin(const Origin& origin, const Arm& arm, const OriginResult& r) {
  const std::lock_guard lock(guard_);
  Statement s(database_, "INSERT OR REPLACE INTO origins VALUES (?,?,?,?,?,?,?,?,?)");
  s << origin.key << arm.model << arm.source << static_cast<std::int64_t>(origin.seed);
  (s << arm.budget.source_epochs << r.accuracy << r.loss << r.seconds << r.file).done();
  origins_.insert(origin.key);
}

void Store::add_cell(const Cell& cell, const Arm& arm, const CellResult& r, const std::string& commit) {
  const std::lock_guard lock(guard_);
  Transaction transaction(database_);
  Statement coordinates(database_, "INSERT INTO cells VALUES (?,?,?,?)");
  coordinates << cell.key << arm.key() << static_cast<std::int64_t>(cell.seed);
  coordinates.text_or_null(cell.origin).done();
  Statement s(database_, "INSERT INTO results VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)");
  s << cell.key << r.accuracy << r.macro_f1 << r.ece << r.loss << r.train_loss << r.rate << r.steps;
  s << r.train_samples << r.test_samples << r.trained_share << r.macs_forward << r.macs_input;
  s << r.macs_weight << r.bytes_predicted << r.bytes_measured << r.state_bytes << r.seconds;
  s << r.predicted_seconds << (commit.empty() ? commit_ : commit);
  r.validation_accuracy ? s << *r.validation_accuracy : s.null();
  (s << r.validation_samples).done();
  add_tables(database_, cell, r);
  transaction.commit();
  cells_.insert(cell.key);
}

}  // namespace firn::cli
