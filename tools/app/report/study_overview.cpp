#include "tools/app/report/study_overview.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "tools/app/record/arm.h"
#include "tools/app/report/dot_panel.h"
#include "tools/app/report/plot.h"

namespace firn::cli::report {

namespace {

using Arm = StudyRecord::Arm;
using Summary = StudyRecord::Summary;

constexpr std::size_t kMostRows = 16;  // of a panel

enum Kind { kScratch, kFull, kCopied, kRandom, kPolicy };

/// What all panels share: the means, and of their intervals what lies within this part of their span beside
/// them, so that one wide interval does not take the room of all.
constexpr double kBeside = 0.4, kLeastBeside = 0.03;

struct SharedScale {
  double low = std::numeric_limits<double>::infinity(), high = -std::numeric_limits<double>::infinity();
  double least = low, greatest = high;  // with the intervals
  double most_seconds = 0;

  void take(const StudyRecord& study, const Arm& arm) {
    if (const Summary* s = study.find(arm.key, "accuracy"); s != nullptr && std::isfinite(s->mean)) {
      const bool interval = s->seeds > 1 && std::isfinite(s->low) && std::isfinite(s->high);
      low = std::min(low, s->mean);
      high = std::max(high, s->mean);
      least = std::min(least, interval ? s->low : s->mean);
      greatest = std::max(greatest, interval ? s->high : s->mean);
    }
    if (const Summary* t = study.find(arm.key, "seconds"); t != nullptr && std::isfinite(t->mean))
      most_seconds = std::max(most_seconds, t->mean);
  }
  void widen() {
    const double beside = std::max(kLeastBeside, kBeside * (high - low));
    low = std::max(least, low - beside);
    high = std::min(greatest, high + beside);
  }
};

std::string cut_name(const Arm& arm) {
  if (arm.frozen_blocks == 0) return arm.transfers() ? "full tuning" : "scratch";
  if (arm.frozen_blocks == arm.blocks - 1) return "all but the head";
  return fmt::format("first {} frozen", arm.frozen_blocks);
}

/// All that the page has of an arm, in a line.
std::string tooltip(const StudyRecord& study, const Arm& arm, const Summary& s) {
  std::string out = fmt::format("{}: {}", arm.name, interval_text(s));
  if (s.compared) {
    out += fmt::format("; {} points to full tuning ({} to {}){}", signed_points(s.difference),
                       signed_points(s.difference_low), signed_points(s.difference_high),
                       s.finding.empty() ? "" : ", " + s.finding);
  }
  if (const Summary* t = study.find(arm.key, "seconds"); t != nullptr)
    out += fmt::format("; {} of training", duration_text(t->mean));
  return out;
}

DotRow::Dot dot_of(const StudyRecord& study, const Arm& arm, const Summary& s) {
  const bool interval = s.seeds > 1;
  return {s.mean, interval ? s.low : 0, interval ? s.high : 0, fmt::format("point arm-{}", kind_of(arm).name),
          tooltip(study, arm, s)};
}

/// Whether `b` stands in the row of `a`: the same cut, from a source and of new weights.
bool share_row(const Arm& a, const Arm& b) {
  return a.is_cut() && b.is_cut() && a.frozen_blocks == b.frozen_blocks && a.frozen_blocks > 0;
}

int place_of(const Arm& arm) {
  if (!arm.is_cut()) return 1 << 20;
  return arm.frozen_blocks == 0 && !arm.transfers() ? -1 : static_cast<int>(arm.frozen_blocks);
}

/// Of arms with the same cut, or of one arm; `transfers` says what the group's cuts are made of.
DotRow row_of(const StudyRecord& study, const std::vector<const Arm*>& arms, bool transfers) {
  const Arm& first = *arms.front();
  DotRow row{.name = first.is_cut() ? cut_name(first) : first.name};
  const bool alike =
      std::all_of(arms.begin(), arms.end(), [&](const Arm* a) { return &kind_of(*a) == &kind_of(first); });
  if (alike) row.css_class = fmt::format("arm-{}", kind_of(first).name);
  if (first.is_cut() && first.transfers() == transfers)
    row.css_class += fmt::format(" cut-{}", first.frozen_blocks);
  if (first.frozen_blocks >= 0) {
    row.blocks = first.blocks;
    row.frozen = first.frozen_blocks;
  }
  for (const Arm* a : arms) row.dots.push_back(dot_of(study, *a, *study.find(a->key, "accuracy")));
  if (const Summary* t = study.find(first.key, "seconds"); t != nullptr) {
    row.cost = t->mean;
    row.cost_text = duration_text(t->mean);
  }
  return row;
}

DotPanel panel_of(const StudyRecord& study, const ArmGroup& group, Index labels, const SharedScale& scale,
                  std::size_t& left_out) {
  DotPanel panel{
      .title = labels_name(labels, study.labels_by_class(group.target)),
      .description = fmt::format("{}: {} of each arm with its interval, and seconds of training; the "
                                 "numbers stand in the table below.",
                                 group.title(), study.score()),
      .score = study.score(),
      .cost = "training"};
  panel.low = scale.low;
  panel.high = scale.high;
  panel.most_cost = scale.most_seconds;
  std::vector<const Arm*> arms;
  for (const Arm* a : group.arms) {
    if (a->labels == labels && study.find(a->key, "accuracy") != nullptr) arms.push_back(a);
  }
  std::stable_sort(arms.begin(), arms.end(),
                   [](const Arm* a, const Arm* b) { return place_of(*a) < place_of(*b); });
  const auto answer = std::find_if(study.answers.begin(), study.answers.end(), [&](const auto& a) {
    return a.model == group.model && a.target == group.target && a.part == group.part && a.labels == labels;
  });
  for (auto next = arms.begin(); next != arms.end();) {
    const auto begin = next;
    next = std::find_if(begin + 1, arms.end(), [&](const Arm* a) { return !share_row(**begin, *a); });
    if (panel.rows.size() == kMostRows) {
      left_out += static_cast<std::size_t>(next - begin);
      continue;
    }
    // What the source gave comes first.
    std::stable_partition(begin, next, [](const Arm* a) { return a->transfers(); });
    panel.rows.push_back(row_of(study, {begin, next}, group.source != "random"));
    const Arm& first = **begin;
    if (first.is_cut() && first.frozen_blocks == 0 && first.transfers())
      panel.reference = study.find(first.key, "accuracy")->mean;
    panel.rows.back().strong = answer != study.answers.end() &&
                               std::any_of(begin, next, [&](const Arm* a) { return a->key == answer->arm; });
  }
  return panel;
}

}  // namespace

const std::vector<ArmKind>& arm_kinds() {
  static const std::vector<ArmKind> kinds = {{"scratch", "scratch: new weights, all of them train"},
                                             {"full", "full tuning: copied weights, all of them train"},
                                             {"copied", "copied weights, the first blocks frozen"},
                                             {"random", "new weights, the first blocks frozen"},
                                             {"policy", "policies and other ways"}};
  return kinds;
}

const ArmKind& kind_of(const Arm& arm) {
  const Kind kind = !arm.is_cut()            ? kPolicy
                    : arm.frozen_blocks == 0 ? (arm.transfers() ? kFull : kScratch)
                    : arm.transfers()        ? kCopied
                                             : kRandom;
  return arm_kinds()[kind];
}

std::vector<ArmGroup> all_groups(const StudyRecord& study) {
  StudyRecord::Experiment all;
  for (const Arm& arm : study.arms) all.arms.insert(arm.key);
  return groups_of(study, all);
}

Overview overview_of(const StudyRecord& study) {
  Overview out;
  SharedScale scale;
  for (const Arm& arm : study.arms) scale.take(study, arm);
  if (!(scale.low <= scale.high)) return out;
  scale.widen();
  for (ArmGroup& group : all_groups(study)) {
    Overview::Row row{std::move(group), {}, 0};
    for (const Index labels : row.group.labels) {
      const DotPanel panel = panel_of(study, row.group, labels, scale, row.left_out);
      if (!panel.rows.empty()) row.panels.push_back(draw(panel));
    }
    if (!row.panels.empty()) out.rows.push_back(std::move(row));
  }
  for (const ArmKind& kind : arm_kinds()) {
    const bool there = std::any_of(study.arms.begin(), study.arms.end(), [&](const Arm& arm) {
      return &kind_of(arm) == &kind && study.find(arm.key, "accuracy") != nullptr;
    });
    if (there) out.kinds.push_back(&kind);
  }
  return out;
}

}  // namespace firn::cli::report
