// Claims 4 to 6: families, policies, regularisers.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "tools/app/study/verdict_rules.h"

namespace firn::cli {

namespace {

// What moves the accuracy by less than this is called no effect.
constexpr double kMargin = 0.01;
// What is known to be less than this below full tuning is as good.
constexpr double kNoWorse = 0.02;

bool is_recurrent(const std::string& model) {
  return model.find("lstm") != std::string::npos || model.find("rnn") != std::string::npos;
}

double mean_accuracy(const Outcome& outcome) {
  return mean_of(outcome.values(Metric::accuracy));
}

/// The share of the blocks below the head that a cut freezes.
double depth_of(const Outcome& outcome) {
  return static_cast<double>(outcome.arm->frozen_blocks()) /
         static_cast<double>(std::max<Index>(1, outcome.arm->blocks - 1));
}

std::vector<const Outcome*> cuts(const ClaimGroup& group, Index labels) {
  return group.every([&](const Arm& arm) { return is_plain_cut(arm) && arm.labels == labels; });
}

const Outcome* best_of(const std::vector<const Outcome*>& all) {
  return *std::max_element(all.begin(), all.end(), [](const Outcome* a, const Outcome* b) {
    return mean_accuracy(*a) < mean_accuracy(*b);
  });
}

const Outcome* nearest(const std::vector<const Outcome*>& all, double depth) {
  return *std::min_element(all.begin(), all.end(), [&](const Outcome* a, const Outcome* b) {
    return std::abs(depth_of(*a) - depth) < std::abs(depth_of(*b) - depth);
  });
}

}  // namespace

// 4. Each family's best depth beats the other family's best depth, in its own model.
void judge_families(const std::vector<ClaimGroup>& groups, std::vector<Verdict>& to) {
  for (const ClaimGroup& cnn : groups) {
    for (const ClaimGroup& lstm : groups) {
      const bool pair = cnn.source == lstm.source && cnn.part == lstm.part && cnn.target == lstm.target &&
                        cnn.source != kRandomSource && !is_recurrent(cnn.model) && is_recurrent(lstm.model);
      if (!pair) continue;
      for (const Index labels : cnn.labels()) {
        const auto ours = cuts(cnn, labels), theirs = cuts(lstm, labels);
        if (ours.size() < 2 || theirs.size() < 2) continue;
        const Outcome* best = best_of(ours);
        const Outcome* other = best_of(theirs);
        Verdict verdict = cnn.verdict(
            fmt::format("CNN and LSTM want different cuts ({})", labels_name(labels, cnn.by_class())));
        verdict.model = cnn.model + ", " + lstm.model;
        const Difference here = cnn.accuracy(*best, *nearest(ours, depth_of(*other)), 2);
        const Difference there = lstm.accuracy(*other, *nearest(theirs, depth_of(*best)), 2);
        verdict.evidence = {here, there};
        if (here.a == here.b && there.a == there.b) {
          verdict.text = fmt::format("both do best with {:.0f} % of the blocks below the head frozen",
                                     100 * depth_of(*best));
          // The same best cut is told from its neighbours, or nothing is known.
          const auto clear = [&](const ClaimGroup& group, const auto& all, const Outcome* top) {
            return std::all_of(all.begin(), all.end(), [&](const Outcome* o) {
              return o == top ||
                     ruling_of(group.accuracy(*top, *o, all.size() - 1), true) == Ruling::supported;
            });
          };
          if (clear(cnn, ours, best) && clear(lstm, theirs, other)) verdict.ruling = Ruling::contradicted;
        } else {
          verdict.text =
              fmt::format("{}: {} against the LSTM's depth {}; {}: {} against the CNN's depth {}", cnn.model,
                          best->arm->name(), points(here), lstm.model, other->arm->name(), points(there));
          if (ruling_of(here, true) == Ruling::supported && ruling_of(there, true) == Ruling::supported)
            verdict.ruling = Ruling::supported;
        }
        to.push_back(std::move(verdict));
      }
    }
  }
}

// 5. No worse than full tuning (the interval of the difference reaches zero and does not go beyond the margin
// below it: non-inferiority), in fewer MACs and less time.
void judge_adaptive(const ClaimGroup& group, std::vector<Verdict>& to) {
  for (const Index labels : group.labels()) {
    const Outcome* full = group.first([&](const Arm& arm) { return arm.full() && arm.labels == labels; });
    const auto policies =
        group.every([&](const Arm& arm) { return !arm.policy.empty() && arm.labels == labels; });
    if (full == nullptr) continue;
    for (const Outcome* policy : policies) {
      Verdict verdict = group.verdict(fmt::format("{} is as good as full tuning at less cost ({})",
                                                  policy->arm->policy, labels_name(*policy->arm)));
      const Difference accuracy = group.accuracy(*policy, *full);
      const Difference macs = group.outcomes->difference(*policy, *full, Metric::macs);
      const Difference seconds = group.outcomes->difference(*policy, *full, Metric::seconds);
      const double macs_share = 1 + macs.mean / std::max(1.0, mean_of(full->values(Metric::macs)));
      const double time_share = 1 + seconds.mean / std::max(1e-12, mean_of(full->values(Metric::seconds)));
      const bool cheaper = macs_share < 1 && time_share < 1;
      if (accuracy.seeds < 2) {
        verdict.ruling = Ruling::undecided;
      } else if (accuracy.interval.below(0) || macs_share >= 1) {
        verdict.ruling = Ruling::contradicted;
      } else if (cheaper && accuracy.interval.low >= -kNoWorse) {
        verdict.ruling = Ruling::supported;
      }
      verdict.text = fmt::format("accuracy {}; {:.0f} % of the MACs, {:.0f} % of the time", points(accuracy),
                                 100 * macs_share, 100 * time_share);
      verdict.evidence = {accuracy, macs, seconds};
      to.push_back(std::move(verdict));
    }
  }
}

// 6. The rule for batch norms, or for dropout, in the frozen part moves the accuracy.
void judge_regularisers(const ClaimGroup& group, std::vector<Verdict>& to) {
  struct Rule {
    const char* text;
    bool (*changed)(const Arm&);
    Arm (*plain)(Arm);
  };
  constexpr Rule kRules[] = {{"batch statistics in frozen batch norms matter",
                              [](const Arm& arm) { return arm.bn == "batch" && arm.dropout == "off"; },
                              [](Arm arm) {
                                arm.bn = "frozen";
                                return arm;
                              }},
                             {"dropout in the frozen part matters",
                              [](const Arm& arm) { return arm.dropout == "on" && arm.bn == "frozen"; },
                              [](Arm arm) {
                                arm.dropout = "off";
                                return arm;
                              }}};
  for (const Index labels : group.labels()) {
    for (const Rule& rule : kRules) {
      const auto changed =
          group.every([&](const Arm& arm) { return arm.labels == labels && rule.changed(arm); });
      Verdict verdict =
          group.verdict(fmt::format("{} ({})", rule.text, labels_name(labels, group.by_class())));
      bool small = true;
      Difference largest;
      for (const Outcome* outcome : changed) {
        const Outcome* plain = group.outcomes->find(rule.plain(*outcome->arm));
        if (plain == nullptr) continue;
        const Difference d = group.accuracy(*outcome, *plain, changed.size());
        verdict.evidence.push_back(d);
        const bool clear = ruling_of(d, true) != Ruling::undecided;
        const bool first_clear = clear && verdict.ruling != Ruling::supported;
        const bool larger = largest.a == nullptr || std::abs(d.mean) > std::abs(largest.mean);
        if (clear) verdict.ruling = Ruling::supported;
        small = small && d.seeds > 1 && d.interval.low > -kMargin && d.interval.high < kMargin;
        // Among those that are clear, where there are any.
        if (first_clear || (larger && (clear || verdict.ruling != Ruling::supported))) largest = d;
      }
      if (largest.a == nullptr) continue;
      if (small) verdict.ruling = Ruling::contradicted;
      verdict.text = fmt::format("the largest change, {}: {}", largest.a->arm->name(), points(largest));
      to.push_back(std::move(verdict));
    }
  }
}

}  // namespace firn::cli
