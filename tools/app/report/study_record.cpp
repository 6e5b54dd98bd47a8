#include "tools/app/report/study_record.h"

#include <fmt/core.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>

#include "engine/base/error.h"
#include "tools/app/cli/path_name.h"
#include "tools/app/record/arm.h"
#include "tools/app/record/schema.h"
#include "tools/app/record/sqlite.h"

namespace firn::cli::report {

namespace {

std::string file_of(const std::string& folder) {
  return folder + "/results.sqlite";
}

// What a study may hold, whoever has written it. A page draws a cell a block and a class.
constexpr Index kMostBlocks = 4096;
constexpr Index kMostClasses = 1024;  // of a table of confusions; studies with more have none on their page
constexpr Index kMostSeeds = 1'000'000;
constexpr Index kMostSide = 1 << 15;  // of a picture
constexpr int kMostClaim = 6;
constexpr double kMostMilliseconds = 1e15;

/// The file, checked to be a study's of this version.
Database open_study(const std::string& folder) {
  const std::string path = file_of(folder);
  if (!is_study(folder)) throw Error(Fault::data, "report", path + " is not there");
  return Database(path, false);
}

Index count_of(const Statement& rows, int column, Index least = 0, Index most = kMostWhole) {
  return static_cast<Index>(rows.whole(column, least, most));
}

/// Answers say of what kind a target is; of files that have none the study as a whole does.
void read_counting(Database& database, StudyRecord& study) {
  bool known = false;
  if (has_tables_of(database, 4)) {
    Statement rows(database,
                   "SELECT DISTINCT target,kind FROM arms JOIN cells USING (arm) JOIN items USING (cell)");
    for (; rows.next(); known = true) {
      if (rows.text(1) != "classes") study.counted_in_all.insert(rows.text(0));
    }
  }
  if (known || study.meta_text("labels_by_class") != "no") return;
  for (const StudyRecord::Arm& arm : study.arms) study.counted_in_all.insert(arm.target);
}

void read_arms(Database& database, StudyRecord& study) {
  Statement rows(
      database,
      "SELECT arm,name,model,source,target,part,freeze,policy,bn,dropout,reference,blocks,labels,"
      "frozen_blocks,steps,freeze_at FROM arms WHERE arm IN (SELECT arm FROM cells JOIN members USING "
      "(cell)) ORDER BY model,target,part,source,labels,policy,frozen_blocks,name,arm");
  while (rows.next()) {
    StudyRecord::Arm a;
    std::string* const texts[] = {&a.key,    &a.name,   &a.model, &a.source,  &a.target,   &a.part,
                                  &a.freeze, &a.policy, &a.bn,    &a.dropout, &a.reference};
    int column = 0;
    for (std::string* text : texts) *text = rows.text(column++);
    a.blocks = count_of(rows, column++, 0, kMostBlocks);
    a.labels = count_of(rows, column++);
    a.frozen_blocks = count_of(rows, column++, -1, a.blocks);
    a.steps = count_of(rows, column++);
    a.freeze_at = rows.number(column, 0, 1);
    study.arms.push_back(std::move(a));
  }
}

void read_experiments(Database& database, StudyRecord& study) {
  Statement rows(database, "SELECT experiment,claim,title,question FROM experiments ORDER BY position");
  while (rows.next()) {
    require_path_name(rows.text(0), Fault::data, "report", database.path() + ", an experiment");
    study.experiments.push_back(
        {rows.text(0), rows.text(2), rows.text(3), static_cast<int>(rows.whole(1, 0, kMostClaim)), {}});
  }
  Statement members(database, "SELECT DISTINCT experiment,arm FROM members JOIN cells USING (cell)");
  while (members.next()) {
    for (auto& experiment : study.experiments) {
      if (experiment.name == members.text(0)) experiment.arms.insert(members.text(1));
    }
  }
}

void read_numbers(Database& database, StudyRecord& study) {
  Statement rows(
      database,
      "SELECT arm,metric,seeds,mean,deviation,low,high,difference,difference_low,difference_high,finding "
      "FROM summary");
  while (rows.next()) {
    StudyRecord::Summary s{.seeds = count_of(rows, 2, 0, kMostSeeds),
                           .mean = rows.number(3),
                           .deviation = rows.number(4),
                           .low = rows.number(5),
                           .high = rows.number(6)};
    s.compared = !rows.is_null(7);
    s.difference = rows.number(7);
    s.difference_low = rows.number(8);
    s.difference_high = rows.number(9);
    s.finding = rows.text(10);
    study.summary[{rows.text(0), rows.text(1)}] = std::move(s);
  }
  Statement costs(database,
                  "SELECT arm,step_ms,step_predicted_ms,arena_bytes,state_bytes,parameters,trainable,"
                  "ifnull(step_kept_ms,0) FROM costs");
  while (costs.next()) {
    const auto ms = [&](int column) { return costs.number(column, 0, kMostMilliseconds); };
    study.costs[costs.text(0)] = {
        ms(1), ms(2), ms(7), count_of(costs, 3), count_of(costs, 4), count_of(costs, 5), count_of(costs, 6)};
  }
}

void read_findings(Database& database, StudyRecord& study) {
  Statement answers(
      database, "SELECT model,source,target,part,arm,reference,text,labels FROM answers ORDER BY position");
  while (answers.next()) {
    study.answers.push_back({answers.text(0), answers.text(1), answers.text(2), answers.text(3),
                             answers.text(4), answers.text(5), answers.text(6), count_of(answers, 7)});
  }
  Statement verdicts(
      database,
      "SELECT verdict,experiment,part,model,source,target,result,text,claim FROM verdicts ORDER BY "
      "verdict");
  while (verdicts.next()) {
    StudyRecord::Verdict v{verdicts.text(1),
                           verdicts.text(2),
                           verdicts.text(3),
                           verdicts.text(4),
                           verdicts.text(5),
                           verdicts.text(6),
                           verdicts.text(7),
                           static_cast<int>(verdicts.whole(8, 0, kMostClaim)),
                           1,
                           0,
                           {}};
    if (has_tables_of(database, 4)) {
      Statement ruling(database, "SELECT p_holm,family_size FROM rulings WHERE verdict=?");
      ruling << verdicts.whole(0);
      while (ruling.next()) {
        v.p_holm = ruling.number(0, 0, 1);
        v.family_size = count_of(ruling, 1);
      }
    }
    Statement evidence(
        database,
        "SELECT name,metric,seeds,difference,low,high FROM evidence WHERE verdict=? ORDER BY position");
    evidence << verdicts.whole(0);
    while (evidence.next()) {
      v.evidence.push_back({evidence.text(0), evidence.text(1), count_of(evidence, 2, 0, kMostSeeds),
                            evidence.number(3), evidence.number(4), evidence.number(5)});
    }
    study.verdicts.push_back(std::move(v));
  }
}

/// What files have since version 4.
void read_strength(Database& database, StudyRecord& study) {
  if (!has_tables_of(database, 4)) return;
  Statement pooled(
      database,
      "SELECT part,claim,sets,mean,low,high,tau,prediction_low,prediction_high FROM pooled ORDER "
      "BY position");
  while (pooled.next()) {
    study.pooled.push_back({pooled.text(0), static_cast<int>(pooled.whole(1, 0, kMostClaim)),
                            count_of(pooled, 2), pooled.number(3), pooled.number(4), pooled.number(5),
                            pooled.number(6), pooled.number(7), pooled.number(8)});
  }
  Statement power(database, "SELECT items,seeds_for_a_point FROM power ORDER BY arm");
  while (power.next()) {
    study.items = std::max(study.items, count_of(power, 0));
    if (power.is_null(1)) {
      ++study.arms_too_few_items;
    } else {
      study.seeds_for_a_point.push_back(count_of(power, 1, 0, kMostSeeds));
    }
  }
  std::sort(study.seeds_for_a_point.begin(), study.seeds_for_a_point.end());
  Statement tuning(
      database,
      "SELECT total(macs)/max(1,total(macs_forward+macs_input+macs_weight)) FROM tuning_cost JOIN "
      "results USING (cell) WHERE cell IN (SELECT cell FROM members)");
  if (tuning.next()) study.tuning_macs_share = tuning.number(0);
}

void read_curves(Database& database, StudyRecord& study) {
  Statement rows(
      database,
      "SELECT arm,seed,step,curves.loss,curves.accuracy FROM curves JOIN cells USING (cell) WHERE cell IN "
      "(SELECT cell FROM members) ORDER BY arm,seed,step");
  std::string arm;
  std::int64_t seed = -1;
  while (rows.next()) {
    auto& curves = study.curves[rows.text(0)];
    if (rows.text(0) != arm || rows.whole(1, INT64_MIN, INT64_MAX) != seed) curves.emplace_back();
    arm = rows.text(0);
    seed = rows.whole(1, INT64_MIN, INT64_MAX);
    curves.back().push_back(
        {count_of(rows, 2), rows.number(3), rows.number(4, study.score_is_share() ? 0 : -1e60, 1)});
  }
}

Index count(Database& database, const char* sql) {
  Statement rows(database, sql);
  return rows.next() ? count_of(rows, 0) : 0;
}

/// Networks that are texts get names for people, each another.
void name_models(StudyRecord& study) {
  std::map<std::string, std::string> names;
  std::set<std::string> taken;
  for (StudyRecord::Arm& arm : study.arms) {
    std::string& name = names[arm.model];
    if (name.empty()) {
      const std::string text = network_name(arm.model);
      name = text;
      for (int n = 2; !taken.insert(name).second; ++n) name = fmt::format("{} ({})", text, n);
    }
    arm.model = name;
  }
  const auto named = [&](std::string& model) {
    if (const auto found = names.find(model); found != names.end()) model = found->second;
  };
  for (auto& answer : study.answers) named(answer.model);
  for (auto& verdict : study.verdicts) named(verdict.model);
}

std::vector<std::string> class_names(Database& database, const StudyRecord::Arm& arm) {
  std::vector<std::string> names;
  Statement rows(database, "SELECT name FROM classes WHERE target=? AND part=? ORDER BY class");
  rows << arm.target << arm.part;
  while (rows.next()) names.push_back(rows.text(0));
  return names;
}

}  // namespace

const StudyRecord::Arm* StudyRecord::find(const std::string& key) const {
  const auto found = std::find_if(arms.begin(), arms.end(), [&](const Arm& a) { return a.key == key; });
  return found == arms.end() ? nullptr : &*found;
}

const StudyRecord::Summary* StudyRecord::find(const std::string& arm, const std::string& metric) const {
  const auto found = summary.find({arm, metric});
  return found == summary.end() ? nullptr : &found->second;
}

std::string StudyRecord::score() const {
  const std::string text = meta_text("score");
  return text.empty() ? "accuracy" : text;
}

std::string StudyRecord::meta_text(const std::string& key) const {
  const auto found = meta.find(key);
  return found == meta.end() ? "" : found->second;
}

bool is_study(const std::string& folder) {
  std::error_code code;
  return std::filesystem::is_regular_file(file_of(folder), code);
}

StudyRecord read_study(const std::string& folder) {
  Database database = open_study(folder);
  check_study(database, "report");
  StudyRecord study;
  study.path = folder;
  Statement meta(database, "SELECT key,value FROM meta");
  while (meta.next()) study.meta[meta.text(0)] = meta.text(1);
  read_arms(database, study);
  read_counting(database, study);
  read_experiments(database, study);
  read_numbers(database, study);
  read_findings(database, study);
  read_curves(database, study);
  read_strength(database, study);
  name_models(study);
  std::map<std::string, PicturedArm> arms;
  for (const StudyRecord::Arm& arm : study.arms) arms[arm.key] = {arm.name, arm.target, arm.part};
  PicturedTable table = read_pictured(database, arms);
  study.pictured = std::move(table.pictured);
  study.ways = std::move(table.ways);
  study.cells = count(database, "SELECT count(DISTINCT cell) FROM members");
  study.cells_done = count(database, "SELECT count(*) FROM results WHERE cell IN (SELECT cell FROM members)");
  return study;
}

Confusion read_confusion(const std::string& folder, const StudyRecord::Arm& arm) {
  Database database = open_study(folder);
  Confusion out{class_names(database, arm), {}};
  const std::size_t n = out.classes.size();
  Statement rows(
      database,
      "SELECT truth,predicted,sum(count) FROM confusion JOIN cells USING (cell) WHERE arm=? AND cell IN "
      "(SELECT cell FROM members) GROUP BY truth,predicted");
  rows << arm.key;
  if (static_cast<Index>(n) > kMostClasses) return out;
  while (rows.next()) {
    const Index most = static_cast<Index>(n) - 1;
    const auto truth = static_cast<std::size_t>(count_of(rows, 0, 0, most));
    const auto said = static_cast<std::size_t>(count_of(rows, 1, 0, most));
    out.counts.resize(n * n);
    out.counts[truth * n + said] = count_of(rows, 2);
  }
  return out;
}

std::vector<Shown> read_mistakes(const std::string& folder, const StudyRecord::Arm& arm, std::size_t most) {
  Database database = open_study(folder);
  const std::vector<std::string> names = class_names(database, arm);
  const auto name = [&](std::int64_t i) {
    const auto at = static_cast<std::size_t>(i);
    return at < names.size() ? names[at] : fmt::format("{}", i);
  };
  std::vector<Shown> out;
  Statement rows(
      database,
      "SELECT truth,predicted,confidence,sample,height,width,channels,pixels,text FROM mistakes WHERE cell="
      "(SELECT cell FROM cells JOIN members USING (cell) WHERE arm=? ORDER BY seed LIMIT 1) ORDER BY "
      "confidence DESC, place");
  rows << arm.key;
  while (out.size() < most && rows.next()) {
    Shown m;
    m.truth = name(rows.whole(0, 0));
    m.predicted = name(rows.whole(1, 0));
    m.confidence = rows.number(2, 0, 1.00001);
    m.sample = count_of(rows, 3);
    m.height = count_of(rows, 4, 0, kMostSide);
    m.width = count_of(rows, 5, 0, kMostSide);
    m.channels = count_of(rows, 6, 0, 4);
    m.pixels = rows.bytes(7);
    m.text = rows.text(8);
    if (!m.pixels.empty() && static_cast<Index>(m.pixels.size()) != m.height * m.width * m.channels) {
      throw Error(Fault::data, "report",
                  fmt::format("{}: a mistake of {} bytes for ({},{},{})", database.path(), m.pixels.size(),
                              m.height, m.width, m.channels));
    }
    out.push_back(std::move(m));
  }
  return out;
}

}  // namespace firn::cli::report
