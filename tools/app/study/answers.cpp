#include "tools/app/study/answers.h"

#include <fmt/format.h>

#include <algorithm>

namespace firn::cli {

namespace {

constexpr double kLevel = 0.95;

enum class Kind { scratch, tuning, frozen };

Kind kind_of(const Arm& arm) {
  return !arm.full() ? Kind::frozen : arm.transfers() ? Kind::tuning : Kind::scratch;
}

const char* kind_text(Kind kind) {
  return kind == Kind::scratch ? "scratch" : kind == Kind::tuning ? "fully tuned" : "frozen";
}

/// From the target's own training part, of whose labels the arm is to have a few only.
bool has_seen_more(const Arm& arm) {
  return arm.source == kSelfSource && arm.labels > 0;
}

double accuracy(const Outcome& outcome) {
  return mean_of(outcome.values(Metric::accuracy));
}

double faster(const Outcome& best, const Outcomes& outcomes) {
  const Outcome* full = best.arm->full() ? nullptr : outcomes.find(best.arm->full_tuning());
  if (full == nullptr) return 0;
  if (best.step_ms && full->step_ms && *best.step_ms > 0) return *full->step_ms / *best.step_ms;
  const double seconds = mean_of(best.values(Metric::seconds));
  return seconds > 0 ? mean_of(full->values(Metric::seconds)) / seconds : 0;
}

/// "freeze the first 2 blocks, from drawn"
std::string choice_text(const Arm& arm) {
  const Index frozen = arm.frozen_blocks();
  std::string text;
  if (!arm.policy.empty()) {
    text = "policy " + arm.policy;
  } else if (arm.full()) {
    text = arm.transfers() ? "tune everything" : "train from scratch";
  } else if (frozen > 0) {
    text = frozen == 1 ? "freeze the first block" : fmt::format("freeze the first {} blocks", frozen);
  } else {
    text = "freeze " + arm.freeze;
  }
  if (arm.freeze_at > 0) text += fmt::format(" from {:.0f} % of the steps on", 100 * arm.freeze_at);
  if (arm.bn == "batch") text += " with batch statistics";
  if (arm.dropout == "on") text += " with dropout in it";
  if (arm.transfers()) return text + ", from " + data_name(arm.source);
  return arm.full() ? text : text + ", of new weights";
}

std::string percent(double share) {
  return fmt::format("{:.1f} %", 100 * share);
}

std::string speed_text(const Answer& a, const Outcomes& outcomes) {
  if (a.faster <= 0) return {};
  const Outcome& full = *outcomes.find(a.best->arm->full_tuning());
  std::string text = a.faster >= 1 ? fmt::format(", {:.1f}x faster than full tuning", a.faster)
                                   : fmt::format(", {:.1f}x slower than full tuning", 1 / a.faster);
  if (a.best->step_kept_ms && full.step_ms && *a.best->step_kept_ms > 0)
    text += fmt::format(" ({:.1f}x from kept features)", *full.step_ms / *a.best->step_kept_ms);
  return text;
}

/// Of each interval beside the best, so that all of them hold at kLevel together.
double level_of(const Answer& a) {
  return 1 - (1 - kLevel) / static_cast<double>(a.arms.size() - 1);
}

/// What is said of the arms of one kind beside the best: how many are told from it, and the best of them.
std::string others_text(Kind kind, const std::vector<const Outcome*>& arms, const Answer& a,
                        const Outcomes& outcomes) {
  const double level = level_of(a);
  std::size_t told = 0;
  for (const Outcome* arm : arms) {
    const std::string says = finding(outcomes.difference(*arm, *a.best, Metric::accuracy, level));
    told += says == "worse" || says == "better" ? 1 : 0;
  }
  const Outcome& nearest = *arms.front();
  const Difference d = outcomes.difference(nearest, *a.best, Metric::accuracy, level);
  if (d.seeds < 2) return fmt::format("{}: {}", choice_text(*nearest.arm), percent(accuracy(nearest)));
  const std::string by = fmt::format("{:+.1f} points ({:+.1f} to {:+.1f})", 100 * d.mean,
                                     100 * d.interval.low, 100 * d.interval.high);
  const bool own = kind == kind_of(*a.best->arm);
  if (arms.size() == 1) {
    return fmt::format("{}: {}, {}", choice_text(*nearest.arm), by,
                       told == 0    ? "not told from it"
                       : d.mean < 0 ? "worse"
                                    : "better");
  }
  const std::string who = fmt::format("{}{} arm", own ? "other " : "", kind_text(kind));
  const std::string told_text = told == 0 ? fmt::format("no {} told from it", who)
                                          : fmt::format("{} of {} {}s told from it", told, arms.size(), who);
  return fmt::format("{} ({}: {})", told_text, choice_text(*nearest.arm), by);
}

std::string answer_text(const Answer& a, const Outcomes& outcomes) {
  const Arm& arm = *a.best->arm;
  const std::string part = arm.part == kWholePart ? "" : fmt::format(" ({} of the classes)", arm.part);
  const std::string score = arm.score == Arm().score ? "" : arm.score + " ";
  std::string text = fmt::format("{} on {}{}, {}: {}: {}{}", network_name(arm.model), data_name(arm.target),
                                 part, labels_name(arm), choice_text(arm), score, percent(accuracy(*a.best)));
  const bool one_seed = a.best->seeds.size() < 2;
  if (!one_seed) {
    const Interval interval = outcomes.interval(*a.best, Metric::accuracy);
    text += fmt::format(" ({:.1f} to {:.1f})", 100 * interval.low, 100 * interval.high);
  }
  text += speed_text(a, outcomes);
  if (a.arms.size() < 2) return text + "; nothing to compare it with";
  if (one_seed) text += "; one seed cannot tell arms apart";
  for (const Kind kind : {Kind::scratch, Kind::tuning, Kind::frozen}) {
    std::vector<const Outcome*> arms = a.arms;
    std::erase_if(arms, [&](const Outcome* o) { return o == a.best || kind_of(*o->arm) != kind; });
    if (arms.empty()) continue;
    std::stable_sort(arms.begin(), arms.end(),
                     [](const Outcome* x, const Outcome* y) { return x->merit() > y->merit(); });
    text += "; " + others_text(kind, arms, a, outcomes);
  }
  return text;
}

std::vector<Answer> tasks_of(const Plan& plan, const Outcomes& outcomes) {
  std::vector<Answer> all;
  for (const Plan::Experiment& experiment : plan.experiments) {
    for (const Outcome* outcome : outcomes.of(experiment)) {
      const auto at = std::find_if(all.begin(), all.end(), [&](const Answer& a) {
        return same_task(*a.arms.front()->arm, *outcome->arm);
      });
      if (at == all.end()) {
        all.emplace_back().arms = {outcome};
      } else if (std::find(at->arms.begin(), at->arms.end(), outcome) == at->arms.end()) {
        at->arms.push_back(outcome);
      }
    }
  }
  for (Answer& a : all) {
    const auto seen = [](const Outcome* o) { return has_seen_more(*o->arm); };
    if (!std::all_of(a.arms.begin(), a.arms.end(), seen)) std::erase_if(a.arms, seen);
  }
  return all;
}

}  // namespace

std::vector<Answer> answers(const Plan& plan, const Outcomes& outcomes) {
  std::vector<Answer> all = tasks_of(plan, outcomes);
  const auto less = [](const Outcome* x, const Outcome* y) { return x->merit() < y->merit(); };
  for (Answer& a : all) {
    a.best = *std::max_element(a.arms.begin(), a.arms.end(), less);
    std::vector<const Outcome*> others = a.arms;
    std::erase_if(others, [&](const Outcome* o) { return kind_of(*o->arm) == kind_of(*a.best->arm); });
    if (!others.empty()) {
      a.other = *std::max_element(others.begin(), others.end(), less);
      a.difference = outcomes.difference(*a.best, *a.other, Metric::accuracy, level_of(a));
    }
    a.faster = faster(*a.best, outcomes);
    a.text = answer_text(a, outcomes);
  }
  return all;
}

}  // namespace firn::cli
