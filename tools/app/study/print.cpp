// A study's summary as text, CSV and JSON.
#include <fmt/format.h>

#include <algorithm>

#include "tools/app/cli/table.h"
#include "tools/app/record/level_text.h"
#include "tools/app/study/strength.h"
#include "tools/app/study/summary.h"

namespace firn::cli {

namespace {

/// A field of a CSV file: in quotes where it needs them.
std::string csv_field(const std::string& text) {
  if (text.find_first_of(",\"\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + "\"";
}

std::string difference_text(const Outcomes& outcomes, const Outcome& outcome) {
  const Outcome* full = outcome.arm->full() ? nullptr : outcomes.find(outcome.arm->full_tuning());
  if (full == nullptr) return {};
  const Difference d = outcomes.difference(outcome, *full, Metric::accuracy);
  const std::string says = outcomes.finding_of(outcome, d);
  return fmt::format("{:+.1f} ({:+.1f} to {:+.1f}){}", 100 * d.mean, 100 * d.interval.low,
                     100 * d.interval.high, says == "no difference seen" ? "" : ", " + says);
}

double mean(const Outcome& outcome, Metric metric) {
  return mean_of(outcome.values(metric));
}

/// "1.23 (1.20)": measured and predicted seconds of training.
std::string seconds_text(const Outcome& outcome) {
  return fmt::format("{:.3f} ({:.3f})", mean(outcome, Metric::seconds),
                     mean(outcome, Metric::predicted_seconds));
}

std::string macs_text(const Outcomes& outcomes, const Outcome& outcome) {
  const Outcome* full = outcomes.find(outcome.arm->full_tuning());
  if (full == nullptr) return {};
  return fmt::format("{:.0f} %",
                     100 * mean(outcome, Metric::macs) / std::max(1.0, mean(*full, Metric::macs)));
}

/// Language models are judged step by step, without one; numbers have none.
std::string f1_text(const Outcome& outcome) {
  const double f1 = mean(outcome, Metric::macro_f1);
  return f1 == 0 && (!outcome.arm->score_is_share || mean(outcome, Metric::accuracy) > 0)
             ? "–"
             : fmt::format("{:.1f}", 100 * f1);
}

bool same_table(const Arm& a, const Arm& b) {
  return a.model == b.model && a.part == b.part && a.target == b.target;
}

std::string one_table(const std::vector<const Outcome*>& arms, const Outcomes& outcomes) {
  const std::string score = arms.empty() ? Arm().score : arms.front()->arm->score;
  Table table({"labels", "<source", "<arm", score + " %", "<interval", "<to full tuning, points", "F1 %",
               "ECE %", "MACs", "seconds (predicted)"});
  for (const Outcome* outcome : arms) {
    const Interval interval = outcomes.interval(*outcome, Metric::accuracy);
    table.row(
        {labels_text(outcome->arm->labels), data_name(outcome->arm->source), outcome->arm->name(),
         fmt::format("{:.1f}", 100 * mean(*outcome, Metric::accuracy)),
         fmt::format("{:.1f} to {:.1f}", 100 * interval.low, 100 * interval.high),
         difference_text(outcomes, *outcome), f1_text(*outcome),
         outcome->arm->score == Arm().score ? fmt::format("{:.1f}", 100 * mean(*outcome, Metric::ece)) : "–",
         macs_text(outcomes, *outcome), seconds_text(*outcome)});
  }
  return table.text();
}

}  // namespace

std::string tables_text(const Plan& plan, const Outcomes& outcomes) {
  std::string text;
  for (const Plan::Experiment& experiment : plan.experiments) {
    std::vector<const Outcome*> left = outcomes.of(experiment);
    if (left.empty()) continue;
    text += fmt::format("\n{}. {}\n", experiment.title, experiment.question);
    while (!left.empty()) {
      const Arm& first = *left.front()->arm;
      const auto middle = std::stable_partition(left.begin(), left.end(),
                                                [&](const Outcome* o) { return same_table(first, *o->arm); });
      std::vector<const Outcome*> arms(left.begin(), middle);
      left.erase(left.begin(), middle);
      std::stable_sort(arms.begin(), arms.end(), [](const Outcome* a, const Outcome* b) {
        return (a->arm->labels == 0 ? 1 << 30 : a->arm->labels) <
               (b->arm->labels == 0 ? 1 << 30 : b->arm->labels);
      });
      text += fmt::format("\n{}, {} blocks, {}{}: {} test samples, {} seeds\n", network_name(first.model),
                          first.blocks, data_name(first.target),
                          first.part == kWholePart ? "" : ", " + first.part + " of the classes",
                          arms.front()->test_samples, arms.front()->seeds.size());
      text += one_table(arms, outcomes) + "\n";
    }
  }
  return text;
}

std::string results_csv(const Plan& plan, const Outcomes& outcomes) {
  std::string out =
      "experiment,model,blocks,source,target,part,labels,arm,freeze,policy,bn,dropout,freeze_at,seeds,"
      "accuracy_mean,accuracy_deviation,accuracy_low,accuracy_high,accuracies,difference,difference_low,"
      "difference_high,finding,macro_f1,ece,loss,macs,seconds,predicted_seconds,step_ms,train_samples,"
      "test_samples\n";
  for (const Plan::Experiment& experiment : plan.experiments) {
    for (const Outcome* o : outcomes.of(experiment)) {
      const Arm& arm = *o->arm;
      const std::vector<double> values = o->values(Metric::accuracy);
      const Interval interval = outcomes.interval(*o, Metric::accuracy);
      std::string each;
      for (const double value : values) each += (each.empty() ? "" : " ") + fmt::format("{:.6f}", value);
      out += fmt::format("{},{},{},{},{},{},{},{},{},{},{},{},{},{},{:.6f},{:.6f},{:.6f},{:.6f},{},",
                         csv_field(experiment.name), csv_field(arm.model), arm.blocks, csv_field(arm.source),
                         csv_field(arm.target), arm.part, labels_text(arm.labels), csv_field(arm.name()),
                         csv_field(arm.freeze), csv_field(arm.policy), arm.bn, arm.dropout, arm.freeze_at,
                         values.size(), mean_of(values), deviation_of(values), interval.low, interval.high,
                         each);
      const Outcome* full = arm.full() ? nullptr : outcomes.find(arm.full_tuning());
      if (full != nullptr) {
        const Difference d = outcomes.difference(*o, *full, Metric::accuracy);
        out += fmt::format("{:.6f},{:.6f},{:.6f},{},", d.mean, d.interval.low, d.interval.high,
                           csv_field(outcomes.finding_of(*o, d)));
      } else {
        out += ",,,,";
      }
      out += fmt::format("{:.6f},{:.6f},{:.6f},{:.0f},{:.5f},{:.5f},{},{},{}\n", mean(*o, Metric::macro_f1),
                         mean(*o, Metric::ece), mean(*o, Metric::loss), mean(*o, Metric::macs),
                         mean(*o, Metric::seconds), mean(*o, Metric::predicted_seconds),
                         o->step_ms ? fmt::format("{:.5f}", *o->step_ms) : "", o->train_samples,
                         o->test_samples);
    }
  }
  return out;
}

std::vector<JsonObject> summary_json(const Plan& plan, const Outcomes& outcomes,
                                     const std::vector<Answer>& found, const std::vector<Verdict>& verdicts) {
  std::vector<JsonObject> lines;
  for (const Answer& a : found) {
    const Arm& arm = *a.best->arm;
    const Interval interval = outcomes.interval(*a.best, Metric::accuracy);
    JsonObject line = json_line("study_answer");
    line.add("model", arm.model).add("source", arm.source).add("target", arm.target).add("part", arm.part);
    line.add("labels", arm.labels).add("arm", arm.name()).add("key", a.best->key);
    line.add("accuracy", mean(*a.best, Metric::accuracy));
    line.add("accuracy_low", interval.low).add("accuracy_high", interval.high).add("arms", a.arms.size());
    if (a.other != nullptr) {
      line.add("other", a.other->arm->name()).add("other_source", a.other->arm->source);
      line.add("difference", a.difference.mean).add("difference_low", a.difference.interval.low);
      line.add("difference_high", a.difference.interval.high).add("finding", finding(a.difference));
    }
    if (a.faster > 0) line.add("faster", a.faster);
    lines.push_back(line.add("text", a.text));
  }
  for (const Plan::Experiment& experiment : plan.experiments) {
    for (const Outcome* o : outcomes.of(experiment)) {
      const Arm& arm = *o->arm;
      const std::vector<double> values = o->values(Metric::accuracy);
      const Interval interval = outcomes.interval(*o, Metric::accuracy);
      JsonObject line = json_line("study_row");
      line.add("experiment", experiment.name)
          .add("key", o->key)
          .add("model", arm.model)
          .add("source", arm.source);
      line.add("target", arm.target).add("part", arm.part).add("labels", arm.labels).add("arm", arm.name());
      line.add("freeze", arm.freeze).add("frozen_blocks", arm.frozen_blocks()).add("blocks", arm.blocks);
      line.add("policy", arm.policy)
          .add("bn", arm.bn)
          .add("dropout", arm.dropout)
          .add("freeze_at", arm.freeze_at);
      line.add("accuracy_mean", mean_of(values)).add("accuracy_deviation", deviation_of(values));
      line.add("accuracy_low", interval.low).add("accuracy_high", interval.high).add("accuracies", values);
      line.add("macro_f1", mean(*o, Metric::macro_f1)).add("ece", mean(*o, Metric::ece));
      line.add("macs", mean(*o, Metric::macs)).add("seconds", mean(*o, Metric::seconds));
      line.add("predicted_seconds", mean(*o, Metric::predicted_seconds));
      if (const Outcome* full = arm.full() ? nullptr : outcomes.find(arm.full_tuning())) {
        const Difference d = outcomes.difference(*o, *full, Metric::accuracy);
        line.add("difference", d.mean).add("difference_low", d.interval.low);
        line.add("difference_high", d.interval.high).add("finding", outcomes.finding_of(*o, d));
        line.add("p", d.estimate.p()).add("p_holm", outcomes.p_holm(*o, Metric::accuracy));
      }
      lines.push_back(line);
    }
  }
  for (const Verdict& v : verdicts) {
    lines.push_back(json_line("study_verdict")
                        .add("experiment", v.experiment)
                        .add("claim", v.claim)
                        .add("part", v.part)
                        .add("model", v.model)
                        .add("source", v.source)
                        .add("target", v.target)
                        .add("result", ruling_name(v.ruling))
                        .add("family", v.family)
                        .add("family_size", v.family_size)
                        .add("p_for", v.p_for)
                        .add("p_against", v.p_against)
                        .add("p_holm", v.p_holm)
                        .add("text", v.text));
  }
  for (const PooledVerdict& v : pooled_verdicts(verdicts)) {
    const Interval interval = v.pooled.effect.interval();
    JsonObject line = json_line("study_pooled");
    line.add("claim", v.claim).add("part", v.part).add("sets", v.pooled.sets);
    line.add("mean", v.pooled.effect.mean).add("low", interval.low).add("high", interval.high);
    line.add("p", v.pooled.effect.p()).add("tau", v.pooled.tau);
    line.add("prediction_low", v.pooled.prediction.low).add("prediction_high", v.pooled.prediction.high);
    lines.push_back(line.add("text", v.text));
  }
  if (const std::string text = power_text(power_of(outcomes)); !text.empty())
    lines.push_back(json_line("study_power").add("text", text));
  return lines;
}

std::string verdicts_text(const std::vector<Verdict>& verdicts) {
  std::string text;
  for (const Verdict& v : verdicts) {
    text += fmt::format("{:<14}  {}. {}; {}, {} to {}: {}", ruling_name(v.ruling), v.claim, v.part,
                        network_name(v.model), v.source, v.target, v.text);
    text += v.family_size > 1 ? fmt::format("; {} of a family of {}\n", level_text(v.p_holm), v.family_size)
                              : "\n";
  }
  for (const PooledVerdict& v : pooled_verdicts(verdicts))
    text += fmt::format("{:<14}  {}. {}: {}\n", "all sets", v.claim, v.part, v.text);
  return text;
}

}  // namespace firn::cli
