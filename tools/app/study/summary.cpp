#include "tools/app/study/summary.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "tools/app/study/strength.h"

namespace firn::cli {

namespace {

void write_experiments(const Plan& plan, Database& database) {
  Statement experiment(database, "INSERT INTO experiments VALUES (?,?,?,?,?)");
  Statement member(database, "INSERT INTO members VALUES (?,?)");
  Index position = 0;
  for (const Plan::Experiment& e : plan.experiments) {
    (experiment << e.name << e.claim << e.title << e.question << position++).done();
    for (const std::size_t cell : e.cells) (member << e.name << plan.cells[cell].key).done();
  }
}

void write_arms(const Outcomes& outcomes, Database& database) {
  Statement summary(database, "INSERT INTO summary VALUES (?,?,?,?,?,?,?,?,?,?,?)");
  Statement tests(database, "INSERT INTO tests VALUES (?,?,?,?,?,?)");
  for (const Outcome& outcome : outcomes.all()) {
    const Outcome* full = outcome.arm->full() ? nullptr : outcomes.find(outcome.arm->full_tuning());
    for (const Metric metric : kMetrics) {
      const std::vector<double> values = outcome.values(metric);
      const Interval interval = outcomes.interval(outcome, metric);
      summary << outcome.key << metric_name(metric) << static_cast<std::int64_t>(values.size())
              << mean_of(values);
      summary << deviation_of(values) << interval.low << interval.high;
      if (full != nullptr) {
        const Difference d = outcomes.difference(outcome, *full, metric);
        summary << d.mean << d.interval.low << d.interval.high << outcomes.finding_of(outcome, d);
        tests << outcome.key << metric_name(metric) << d.estimate.error << d.estimate.degrees;
        (tests << d.estimate.p() << outcomes.p_holm(outcome, metric)).done();
      } else {
        summary.null().null().null().null();
      }
      summary.done();
    }
  }
}

void write_verdicts(const std::vector<Verdict>& verdicts, Database& database) {
  Statement verdict(database, "INSERT INTO verdicts VALUES (?,?,?,?,?,?,?,?,?)");
  Statement evidence(database, "INSERT INTO evidence VALUES (?,?,?,?,?,?,?,?,?,?)");
  Statement ruling(database, "INSERT INTO rulings VALUES (?,?,?,?,?,?)");
  Statement tests(database, "INSERT INTO evidence_tests VALUES (?,?,?,?,?)");
  Index number = 0;
  for (const Verdict& v : verdicts) {
    verdict << number << v.experiment << v.claim << v.part << v.model << v.source << v.target;
    (verdict << ruling_name(v.ruling) << v.text).done();
    Index position = 0;
    for (const Difference& d : v.evidence) {
      const bool ratio = d.metric == Metric::macs || d.metric == Metric::seconds;
      tests << number << position << d.estimate.error << d.estimate.degrees;
      (tests << d.estimate.p()).done();
      evidence << number << position++
               << fmt::format("{}{} {}", d.a->arm->name(),
                              d.what.empty() || ratio ? std::string(" against") : ", " + d.what,
                              d.b->arm->name());
      evidence << d.a->key << d.b->key << metric_name(d.metric) + (ratio ? "_ratio" : "")
               << static_cast<std::int64_t>(d.seeds);
      (evidence << d.mean << d.interval.low << d.interval.high).done();
    }
    ruling << number << v.family << static_cast<std::int64_t>(v.family_size) << v.p_for << v.p_against;
    (ruling << v.p_holm).done();
    ++number;
  }
}

void write_strength(const Outcomes& outcomes, const std::vector<Verdict>& verdicts, Database& database) {
  Statement power(database, "INSERT INTO power VALUES (?,?,?,?,?,?)");
  for (const ArmPower& arm : power_of(outcomes)) {
    power << arm.arm->key << static_cast<std::int64_t>(arm.items) << std::sqrt(arm.spread.seeds);
    power << std::sqrt(arm.spread.items) << std::sqrt(arm.spread.rest);
    (arm.seeds_for_a_point ? power << static_cast<std::int64_t>(*arm.seeds_for_a_point) : power.null())
        .done();
  }
  Statement pooled(database, "INSERT INTO pooled VALUES (?,?,?,?,?,?,?,?,?,?,?,?)");
  Index position = 0;
  for (const PooledVerdict& v : pooled_verdicts(verdicts)) {
    const Interval interval = v.pooled.effect.interval();
    pooled << position++ << v.claim << v.part << static_cast<std::int64_t>(v.pooled.sets);
    pooled << v.pooled.effect.mean << v.pooled.effect.error << interval.low << interval.high;
    (pooled << v.pooled.effect.p() << v.pooled.tau << v.pooled.prediction.low << v.pooled.prediction.high)
        .done();
  }
}

}  // namespace

void write_summary(const Plan& plan, const Materials& materials, const Outcomes& outcomes,
                   const std::vector<Answer>& found, const std::vector<Verdict>& verdicts,
                   Database& database) {
  Transaction transaction(database);
  for (const char* table : {"experiments", "members", "classes", "answers", "summary", "verdicts", "evidence",
                            "tests", "rulings", "evidence_tests", "power", "pooled"})
    database.run(fmt::format("DELETE FROM {}", table));
  write_experiments(plan, database);
  Statement name(database, "INSERT OR IGNORE INTO classes VALUES (?,?,?,?)");
  for (const Arm& arm : plan.arms) {
    Index number = 0;
    for (const std::string& text : materials.class_names(arm))
      (name << arm.target << arm.part << number++ << text).done();
  }
  Statement answer(database, "INSERT INTO answers VALUES (?,?,?,?,?,?,?,?,?)");
  Index position = 0;
  for (const Answer& a : found) {
    const Arm& arm = *a.best->arm;
    answer << position++ << arm.model << arm.source << arm.target << arm.part << arm.labels << a.best->key;
    (a.other != nullptr ? answer << a.other->key : answer.null()) << a.text;
    answer.done();
  }
  write_arms(outcomes, database);
  write_verdicts(verdicts, database);
  write_strength(outcomes, verdicts, database);
  transaction.commit();
}

}  // namespace firn::cli
