#include "tools/study/summary.h"

#include <fmt/format.h>

#include <algorithm>

namespace firn::cli {

namespace {

std::string where(const Arm& arm) {
  const std::string part = arm.part == kWholePart ? "" : fmt::format(" ({} of the classes)", arm.part);
  return fmt::format("{}, {} to {}{}, {}", arm.model, data_name(arm.source), data_name(arm.target), part,
                     labels_name(arm.labels));
}

std::string percent(const Outcomes& outcomes, const Outcome& outcome) {
  const Interval interval = outcomes.interval(outcome, Metric::accuracy);
  return fmt::format("{:.1f} % ± {:.1f}", 100 * mean_of(outcome.values(Metric::accuracy)),
                     50 * (interval.high - interval.low));
}

double faster(const Outcome& best, const Outcome& full) {
  if (best.step_ms && full.step_ms && *best.step_ms > 0) return *full.step_ms / *best.step_ms;
  return mean_of(full.values(Metric::seconds)) / std::max(1e-9, mean_of(best.values(Metric::seconds)));
}

bool may_answer(const Arm& arm) {
  const bool frozen = arm.transfers() && !arm.full() && arm.freeze_at <= 0;
  // Arms that renew weights are experiments, not advice.
  return frozen && arm.bn == "frozen" && arm.dropout == "off" && !arm.policy.starts_with("random-frozen");
}

std::string answer_text(const Answer& a, const Outcomes& outcomes) {
  const Arm& arm = *a.best->arm;
  const Index frozen = arm.frozen_blocks();
  const std::string what = !arm.policy.empty() ? arm.policy
                           : frozen == 1       ? "freeze the first block"
                           : frozen > 1        ? fmt::format("freeze the first {} blocks", frozen)
                                               : "freeze " + arm.freeze;
  const std::string says = finding(a.difference);
  const std::string than = says == "better" || says == "worse" ? says + " than"
                           : a.difference.seeds < 2            ? "one seed;"
                                                               : "no difference seen to";
  std::string speed = a.faster >= 1 ? fmt::format("{:.1f}x faster", a.faster)
                                    : fmt::format("{:.1f}x slower", 1 / std::max(1e-9, a.faster));
  if (a.best->step_kept_ms && a.full->step_ms)
    speed += fmt::format(" ({:.1f}x from kept features)",
                         *a.full->step_ms / std::max(1e-9, *a.best->step_kept_ms));
  std::string text = fmt::format("{}: {}: {}, {}; {} full tuning {}", where(arm), what,
                                 percent(outcomes, *a.best), speed, than, percent(outcomes, *a.full));
  if (a.scratch != nullptr) text += fmt::format("; from scratch {}", percent(outcomes, *a.scratch));
  return text;
}

bool same_question(const Arm& a, const Arm& b) {
  return a.model == b.model && a.source == b.source && a.target == b.target && a.part == b.part &&
         a.labels == b.labels && a.budget == b.budget;
}

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
        summary << d.mean << d.interval.low << d.interval.high << finding(d);
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
  Index number = 0;
  for (const Verdict& v : verdicts) {
    verdict << number << v.experiment << v.claim << v.part << v.model << v.source << v.target;
    (verdict << ruling_name(v.ruling) << v.text).done();
    Index position = 0;
    for (const Difference& d : v.evidence) {
      evidence << number << position++ << fmt::format("{} against {}", d.a->arm->name(), d.b->arm->name());
      evidence << d.a->key << d.b->key << metric_name(d.metric) << static_cast<std::int64_t>(d.seeds);
      (evidence << d.mean << d.interval.low << d.interval.high).done();
    }
    ++number;
  }
}

}  // namespace

std::vector<Answer> answers(const Plan& plan, const Outcomes& outcomes) {
  std::vector<Answer> all;
  for (const Plan::Experiment& experiment : plan.experiments) {
    for (const Outcome* outcome : outcomes.of(experiment)) {
      if (!may_answer(*outcome->arm)) continue;
      auto at = std::find_if(all.begin(), all.end(),
                             [&](const Answer& a) { return same_question(*a.best->arm, *outcome->arm); });
      const Outcome* full = outcomes.find(outcome->arm->full_tuning());
      if (full == nullptr) continue;
      if (at == all.end()) {
        Arm scratch = outcome->arm->full_tuning();
        scratch.source = kRandomSource;
        scratch.source_sha256.clear();
        all.push_back({outcome, full, outcomes.find(scratch), {}, 0, {}});
      } else if (mean_of(outcome->values(Metric::accuracy)) > mean_of(at->best->values(Metric::accuracy))) {
        at->best = outcome;
      }
    }
  }
  for (Answer& a : all) {
    a.difference = outcomes.difference(*a.best, *a.full, Metric::accuracy);
    a.faster = faster(*a.best, *a.full);
    a.text = answer_text(a, outcomes);
  }
  return all;
}

void write_summary(const Plan& plan, const Materials& materials, const Outcomes& outcomes,
                   const std::vector<Answer>& found, const std::vector<Verdict>& verdicts,
                   Database& database) {
  Transaction transaction(database);
  for (const char* table :
       {"experiments", "members", "classes", "answers", "summary", "verdicts", "evidence"})
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
    (answer << a.full->key << a.text).done();
  }
  write_arms(outcomes, database);
  write_verdicts(verdicts, database);
  transaction.commit();
}

}  // namespace firn::cli
