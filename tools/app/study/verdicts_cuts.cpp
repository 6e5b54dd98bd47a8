// Claims 1 to 3: labels, depth, moment.
#include <fmt/format.h>

#include <algorithm>

#include "tools/app/study/verdict_rules.h"

namespace firn::cli {

namespace {

/// Every cut against full tuning with so many labels.
std::vector<Difference> cuts_against_full(const ClaimGroup& group, Index labels) {
  const Outcome* full = group.first([&](const Arm& arm) { return arm.full() && arm.labels == labels; });
  if (full == nullptr) return {};
  const auto cuts = group.every(
      [&](const Arm& arm) { return is_plain_cut(arm) && arm.frozen_blocks() > 0 && arm.labels == labels; });
  std::vector<Difference> all;
  for (const Outcome* cut : cuts) all.push_back(group.accuracy(*cut, *full));
  return all;
}

/// On the validation part, which the difference is not of; where there is none on the test part.
const Difference& best_of(const std::vector<Difference>& all) {
  return *std::max_element(all.begin(), all.end(), [](const Difference& a, const Difference& b) {
    return a.a->merit() < b.a->merit();
  });
}

/// Where the cut stands among them; behind the last where it does not.
std::size_t place_of(const std::vector<Difference>& all, Index cut) {
  const auto at = std::find_if(all.begin(), all.end(),
                               [&](const Difference& d) { return d.a->arm->frozen_blocks() == cut; });
  return static_cast<std::size_t>(at - all.begin());
}

/// How many blocks a policy `random-frozen` copies.
Index depth_of(const Outcome* outcome) {
  const std::string& policy = outcome->arm->policy;
  const std::size_t at = policy.find("k=");
  return at == std::string::npos ? Index{0} : static_cast<Index>(std::atoll(policy.c_str() + at + 2));
}

// Yosinski's BnB: the first k of a network trained on B, frozen, the others new and trained on B. What is
// lost against the same copies tuned (BnB+), and against B trained as it is, was lost with the neighbours. A
// cut that is below BnB+ alone lost the freedom to move, one below B alone a rest that trained too little.
void judge_co_adaptation(const ClaimGroup& group, const std::vector<const Outcome*>& frozen,
                         const Outcome& base, std::vector<Verdict>& to) {
  Verdict verdict =
      group.verdict(fmt::format("co-adaptation breaks in the middle ({})", labels_name(*frozen.front()->arm)),
                    "co-adaptation", frozen.front()->arm->labels);
  const std::size_t looks = frozen.size() - 1;  // the last one keeps all that was learned together
  Difference worst;
  for (std::size_t i = 0; i < looks; ++i) {
    Arm tuned_arm = *frozen[i]->arm;
    tuned_arm.policy += ",tuned=on";
    const Outcome* tuned = group.outcomes->find(tuned_arm);
    if (tuned == nullptr) continue;
    const Difference to_tuned = group.accuracy(*frozen[i], *tuned);
    const Difference to_base = group.accuracy(*frozen[i], base);
    verdict.evidence.insert(verdict.evidence.end(), {to_tuned, to_base});
    const double both = of_looks(std::max(to_tuned.level(false), to_base.level(false)), looks);
    if (worst.a == nullptr || both < verdict.p_for || (both == verdict.p_for && to_tuned.mean < worst.mean))
      worst = to_tuned;
    verdict.p_for = std::min(verdict.p_for, both);
    verdict.p_against = std::min(verdict.p_against, of_looks(to_tuned.level(true), looks));
  }
  if (worst.a == nullptr) return;                   // without the control nothing is said
  verdict.rests = verdict.evidence.size() / 4 * 2;  // the cut in the middle, against the same tuned
  verdict.text = fmt::format(
      "first {} copied from itself and frozen, the rest new: against the same tuned {}; "
      "against new weights {}",
      depth_of(worst.a), points(worst), points(group.accuracy(*worst.a, base)));
  to.push_back(std::move(verdict));
}

}  // namespace

// 1. The best cut with the fewest labels beats full tuning; the same cut loses with the most.
void judge_labels(const ClaimGroup& group, std::vector<Verdict>& to) {
  const std::vector<Index> labels = group.labels();
  if (labels.size() < 2) return;
  const std::vector<Difference> few = cuts_against_full(group, labels.front());
  const std::vector<Difference> many = cuts_against_full(group, labels.back());
  if (few.empty() || many.empty()) return;
  const Difference& best = best_of(few);
  const Index cut = best.a->arm->frozen_blocks();

  Verdict wins = group.verdict(
      fmt::format("with {} freezing beats tuning everything", labels_name(labels.front(), group.by_class())),
      "few labels");
  rest_on(wins, best, true);
  // Chosen on the very part that it is judged by.
  if (best.a->validation.empty()) {
    wins.p_for = of_looks(wins.p_for, few.size());
    wins.p_against = of_looks(wins.p_against, few.size());
  }
  wins.text = fmt::format("the best cut, {}, against full tuning: {}", best.a->arm->name(), points(best));
  wins.evidence = few;
  wins.rests = place_of(few, cut);
  to.push_back(std::move(wins));

  const std::size_t place = place_of(many, cut);
  if (place == many.size()) return;
  const Difference& same = many[place];
  Verdict loses = group.verdict(
      fmt::format("with {} the same freezing loses", labels_name(labels.back(), group.by_class())),
      "many labels");
  rest_on(loses, same, false);
  loses.text = fmt::format("{} against full tuning: {}", same.a->arm->name(), points(same));
  loses.evidence = many;
  loses.rests = place;
  to.push_back(std::move(loses));
}

// 2. After Yosinski et al. 2014: the first k blocks copied and frozen, the others new.
void judge_depth(const ClaimGroup& group, std::vector<Verdict>& to) {
  const auto copied = group.every([](const Arm& arm) {
    return arm.policy.starts_with("random-frozen") && arm.policy.find("first=copied") != std::string::npos &&
           arm.policy.find("tuned=on") == std::string::npos;
  });
  for (const Index labels : group.labels()) {
    std::vector<const Outcome*> by_depth;
    for (const Outcome* outcome : copied) {
      if (outcome->arm->labels == labels) by_depth.push_back(outcome);
    }
    std::sort(by_depth.begin(), by_depth.end(),
              [&](const Outcome* a, const Outcome* b) { return depth_of(a) < depth_of(b); });
    if (by_depth.size() < 2) continue;
    const auto random = [&](Index frozen) {
      return group.elsewhere(std::string(kRandomSource),
                             [&](const Arm& arm) { return is_cut(arm, frozen) && arm.labels == labels; });
    };
    const Outcome* scratch = random(0);
    if (scratch == nullptr) continue;
    std::vector<Difference> against_scratch;
    for (const Outcome* outcome : by_depth) against_scratch.push_back(group.accuracy(*outcome, *scratch));

    if (group.source == kSelfSource) {
      judge_co_adaptation(group, by_depth, *scratch, to);
      continue;
    }
    if (const Outcome* frozen_random = random(depth_of(by_depth.front()))) {
      Verdict early = group.verdict("the first block transfers", "first block", labels);
      const Difference d = group.accuracy(*by_depth.front(), *frozen_random);
      rest_on(early, d, true);
      early.text = fmt::format("copied and frozen against random and frozen: {}", points(d));
      early.evidence = {d, against_scratch.front()};
      to.push_back(std::move(early));
    }
    Verdict late = group.verdict("the last blocks do not transfer", "last blocks", labels);
    rest_on(late, against_scratch.back(), false);
    late.text = fmt::format("first {} copied and frozen, a new head, against scratch: {}",
                            depth_of(by_depth.back()), points(against_scratch.back()));
    late.evidence = against_scratch;
    late.rests = against_scratch.size() - 1;
    to.push_back(std::move(late));
  }
}

// 3. Freezing at the earliest moment against the latest; many blocks against one.
void judge_early(const ClaimGroup& group, std::vector<Verdict>& to) {
  for (const Index labels : group.labels()) {
    const auto late = group.every(
        [&](const Arm& arm) { return arm.labels == labels && arm.freeze_at > 0 && arm.frozen_blocks() > 0; });
    const Outcome* full = group.first([&](const Arm& arm) { return arm.full() && arm.labels == labels; });
    if (late.size() < 2 || full == nullptr) continue;
    double first = 1, last = 0;
    Index most = 0, least = late.front()->arm->blocks;
    for (const Outcome* outcome : late) {
      first = std::min(first, outcome->arm->freeze_at);
      last = std::max(last, outcome->arm->freeze_at);
      most = std::max(most, outcome->arm->frozen_blocks());
      least = std::min(least, outcome->arm->frozen_blocks());
    }
    const auto arm_of = [&](Index frozen, double at) {
      return group.first([&](const Arm& arm) {
        return arm.labels == labels && arm.frozen_blocks() == frozen && arm.freeze_at == at;
      });
    };
    const Outcome* early = arm_of(most, first);
    const Outcome* later = arm_of(most, last);
    const Outcome* fewer = arm_of(least, first);
    if (early != nullptr && later != nullptr && first < last) {
      Verdict verdict =
          group.verdict(fmt::format("freezing too early hurts ({})", labels_name(labels, group.by_class())),
                        "too early", labels);
      const Difference d = group.accuracy(*early, *later);
      rest_on(verdict, d, false);
      verdict.text = fmt::format("first {} frozen from {:.0f} % of the steps on against from {:.0f} % on: {}",
                                 most, 100 * first, 100 * last, points(d));
      verdict.evidence = {d};
      for (const Outcome* outcome : late) verdict.evidence.push_back(group.accuracy(*outcome, *full));
      to.push_back(std::move(verdict));
    }
    if (early != nullptr && fewer != nullptr && least < most) {
      Verdict verdict =
          group.verdict(fmt::format("freezing too much hurts ({})", labels_name(labels, group.by_class())),
                        "too much", labels);
      const Difference d = group.accuracy(*early, *fewer);
      rest_on(verdict, d, false);
      verdict.text = fmt::format("first {} against first {} frozen, both from {:.0f} % of the steps on: {}",
                                 most, least, 100 * first, points(d));
      verdict.evidence = {d};
      to.push_back(std::move(verdict));
    }
  }
}

}  // namespace firn::cli
