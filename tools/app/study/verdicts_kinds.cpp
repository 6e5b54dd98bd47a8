// Claims 4 to 6: families, policies, regularisers.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "tools/app/study/verdict_rules.h"

namespace firn::cli {

namespace {

bool is_recurrent(const std::string& model) {
  constexpr const char* kWords[] = {"lstm", "gru", "rnn"};
  return std::any_of(std::begin(kWords), std::end(kWords),
                     [&](const char* word) { return model.find(word) != std::string::npos; });
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
  return *std::max_element(all.begin(), all.end(),
                           [](const Outcome* a, const Outcome* b) { return a->merit() < b->merit(); });
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
            fmt::format("CNN and LSTM want different cuts ({})", labels_name(labels, cnn.by_class())),
            "families", labels);
        verdict.model = cnn.model + ", " + lstm.model;
        const Difference here = cnn.accuracy(*best, *nearest(ours, depth_of(*other)));
        const Difference there = lstm.accuracy(*other, *nearest(theirs, depth_of(*best)));
        verdict.evidence = {here, there};
        if (here.a == here.b && there.a == there.b) {
          verdict.text = fmt::format("both do best with {:.0f} % of the blocks below the head frozen",
                                     100 * depth_of(*best));
          // The same best cut is told from its neighbours, or nothing is known.
          const auto clear = [](const ClaimGroup& group, const auto& all, const Outcome* top) {
            double worst = 0;
            for (const Outcome* o : all) {
              if (o != top) worst = std::max(worst, group.accuracy(*top, *o).level(true));
            }
            return worst;
          };
          verdict.p_against = std::max(clear(cnn, ours, best), clear(lstm, theirs, other));
        } else {
          verdict.text =
              fmt::format("{}: {} against the LSTM's depth {}; {}: {} against the CNN's depth {}", cnn.model,
                          best->arm->name(), points(here), lstm.model, other->arm->name(), points(there));
          verdict.p_for = std::max(here.level(true), there.level(true));
        }
        to.push_back(std::move(verdict));
      }
    }
  }
}

namespace {

/// "70 % of the MACs (68 to 72)"
std::string share_text(const Difference& ratio, const char* of) {
  return fmt::format("{:.0f} % of the {} ({:.0f} to {:.0f})", 100 * std::exp(ratio.mean), of,
                     100 * std::exp(ratio.interval.low), 100 * std::exp(ratio.interval.high));
}

/// As good at less cost: the errors are at most a tenth more (non-inferiority), and MACs and time are less,
/// each on its own. Contradicted when the errors are more than that, or one of the costs is.
Verdict as_good(const ClaimGroup& group, const Outcome& policy, const Outcome& full) {
  Verdict verdict = group.verdict(fmt::format("{} is as good as full tuning at less cost ({})",
                                              policy.arm->policy, labels_name(*policy.arm)),
                                  "as good at less cost", policy.arm->labels, policy.arm->policy);
  const Difference accuracy = group.accuracy(policy, full);
  const Difference within = group.outcomes->within(policy, full, kErrorMargin);
  const Difference macs = group.outcomes->ratio(policy, full, Metric::macs);
  const Difference seconds = group.outcomes->ratio(policy, full, Metric::seconds);
  verdict.evidence = {accuracy, within, macs, seconds};
  verdict.p_for = std::max({within.level(true), macs.level(false), seconds.level(false)});
  verdict.p_against = of_looks(std::min({within.level(false), macs.level(true), seconds.level(true)}), 3);
  verdict.text =
      fmt::format("accuracy {}; {} times its errors at most by {}; {}, {}", points(accuracy),
                  1 + kErrorMargin, points(within), share_text(macs, "MACs"), share_text(seconds, "time"));
  // Rates alone save nothing: there is no cost to be less. Parts of blocks that freeze (biases alone train)
  // leave every block training, and save.
  const bool froze = policy.trained_share < 1 - 1e-9 || macs.mean < -1e-9;
  const bool dearer = macs.mean > 1e-9;
  if (!froze && !dearer && policy.trained_share > 0) {
    verdict.ruling = Ruling::not_applicable;
    verdict.text = "nothing was frozen, so that nothing could be saved; accuracy " + points(accuracy);
  }
  return verdict;
}

}  // namespace

// 5. Non-inferiority at less cost and superiority are claims of their own, and so is what a policy is worth
// beside controls that cost as much.
void judge_adaptive(const ClaimGroup& group, std::vector<Verdict>& to) {
  for (const Index labels : group.labels()) {
    const Outcome* full = group.first([&](const Arm& arm) { return arm.full() && arm.labels == labels; });
    const auto policies = group.every([&](const Arm& arm) {
      return !arm.policy.empty() && arm.control() == Control::none && arm.labels == labels;
    });
    for (const Outcome* policy : policies) {
      if (full != nullptr) {
        to.push_back(as_good(group, *policy, *full));
        Verdict better = group.verdict(
            fmt::format("{} is better than full tuning ({})", policy->arm->policy, labels_name(*policy->arm)),
            "better", labels, policy->arm->policy);
        const Difference d = group.accuracy(*policy, *full);
        rest_on(better, d, true);
        better.text = points(d);
        better.evidence = {d};
        to.push_back(std::move(better));
      }
      for (const auto& [control, than] : {std::pair{Control::steps, "full tuning cut to its cost"},
                                          {Control::random, "random freezing at its cost"},
                                          {Control::rates, "its rates without freezing"}}) {
        const std::string wanted = control_text(control) + policy->arm->policy;
        const Outcome* other =
            group.first([&](const Arm& arm) { return arm.policy == wanted && arm.labels == labels; });
        if (other == nullptr) continue;
        Verdict better = group.verdict(
            fmt::format("{} is better than {} ({})", policy->arm->policy, than, labels_name(*policy->arm)),
            std::string("better than ") + than, labels, policy->arm->policy);
        const Difference d = group.accuracy(*policy, *other);
        const Difference macs = group.outcomes->ratio(*other, *policy, Metric::macs);
        rest_on(better, d, true);
        better.text = fmt::format("{}; the control has {}", points(d), share_text(macs, "MACs"));
        better.evidence = {d, macs};
        to.push_back(std::move(better));
      }
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
      Verdict verdict = group.verdict(
          fmt::format("{} ({})", rule.text, labels_name(labels, group.by_class())), rule.text, labels);
      Difference clearest;
      double none = 0;  // the level on which every change is within the margin
      for (const Outcome* outcome : changed) {
        const Outcome* plain = group.outcomes->find(rule.plain(*outcome->arm));
        if (plain == nullptr) continue;
        const Difference d = group.accuracy(*outcome, *plain);
        verdict.evidence.push_back(d);
        if (clearest.a == nullptr ||
            std::min(d.level(true), d.level(false)) < std::min(clearest.level(true), clearest.level(false)))
          clearest = d;
        none = std::max({none, group.outcomes->within(*outcome, *plain, kErrorMargin).level(true),
                         group.outcomes->within(*outcome, *plain, -kErrorMargin).level(false)});
      }
      if (clearest.a == nullptr) continue;
      verdict.rests = verdict.evidence.size() - 1;  // the deepest cut, whatever is clearest
      verdict.p_for = of_looks(std::min(clearest.level(true), clearest.level(false)), changed.size());
      // Told from zero, and yet within the margin: it does not matter.
      verdict.p_against = none;
      if (none < kFamilyLevel) verdict.p_for = 1;
      verdict.text = fmt::format("the clearest change, {}: {}", clearest.a->arm->name(), points(clearest));
      to.push_back(std::move(verdict));
    }
  }
}

}  // namespace firn::cli
