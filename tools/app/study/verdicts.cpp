#include "tools/app/study/verdicts.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "tools/app/record/level_text.h"
#include "tools/app/study/verdict_rules.h"

namespace firn::cli {

std::string ruling_name(Ruling ruling) {
  return ruling == Ruling::supported      ? "supported"
         : ruling == Ruling::contradicted ? "contradicted"
         : ruling == Ruling::undecided    ? "undecided"
                                          : "not applicable";
}

const Outcome* ClaimGroup::first(const Wanted& wanted) const {
  const auto at = std::find_if(arms.begin(), arms.end(), [&](const Outcome* o) { return wanted(*o->arm); });
  return at == arms.end() ? nullptr : *at;
}

std::vector<const Outcome*> ClaimGroup::every(const Wanted& wanted) const {
  std::vector<const Outcome*> some;
  std::copy_if(arms.begin(), arms.end(), std::back_inserter(some),
               [&](const Outcome* o) { return wanted(*o->arm); });
  return some;
}

std::vector<Index> ClaimGroup::labels() const {
  std::set<Index> counts;
  for (const Outcome* outcome : arms) counts.insert(outcome->arm->labels);
  std::vector<Index> sorted(counts.begin(), counts.end());
  if (!sorted.empty() && sorted.front() == 0) std::rotate(sorted.begin(), sorted.begin() + 1, sorted.end());
  return sorted;
}

const Outcome* ClaimGroup::elsewhere(const std::string& other_source, const Wanted& wanted) const {
  for (const Outcome* outcome : outcomes->of(*experiment)) {
    const Arm& arm = *outcome->arm;
    if (arm.source == other_source && arm.model == model && arm.target == target && arm.part == part &&
        wanted(arm))
      return outcome;
  }
  return nullptr;
}

Verdict ClaimGroup::verdict(const std::string& part_of_claim, const std::string& family) const {
  Verdict verdict;
  verdict.family = experiment->name + ": " + family;
  verdict.kind = family;
  verdict.experiment = experiment->name;
  verdict.claim = experiment->claim;
  verdict.part = part_of_claim;
  verdict.model = model;
  verdict.source = data_name(source);
  verdict.target = data_name(target);
  if (part != kWholePart) verdict.target += fmt::format(", {} of the classes", part);
  return verdict;
}

Verdict ClaimGroup::verdict(const std::string& part_of_claim, const std::string& family, Index of_labels,
                            const std::string& policy) const {
  Verdict verdict = this->verdict(part_of_claim, family);
  const std::vector<Index> all = labels();
  const char* level = of_labels == all.back()    ? "most labels"
                      : of_labels == all.front() ? "fewest labels"
                                                 : "";
  verdict.kind =
      *level == 0 ? "" : fmt::format("{}{}{}, {}", policy, policy.empty() ? "" : ": ", family, level);
  return verdict;
}

Difference ClaimGroup::accuracy(const Outcome& a, const Outcome& b) const {
  return outcomes->difference(a, b, Metric::accuracy);
}

std::vector<ClaimGroup> claim_groups(const Plan::Experiment& experiment, const Outcomes& outcomes) {
  std::vector<ClaimGroup> groups;
  for (const Outcome* outcome : outcomes.of(experiment)) {
    const Arm& arm = *outcome->arm;
    auto at = std::find_if(groups.begin(), groups.end(), [&](const ClaimGroup& g) {
      return g.model == arm.model && g.source == arm.source && g.target == arm.target && g.part == arm.part;
    });
    if (at == groups.end()) {
      groups.push_back({&experiment, &outcomes, arm.model, arm.source, arm.target, arm.part, {}});
      at = groups.end() - 1;
    }
    at->arms.push_back(outcome);
  }
  return groups;
}

bool is_plain_cut(const Arm& arm) {
  return arm.is_static() && arm.frozen_blocks() >= 0 && arm.bn == "frozen" && arm.dropout == "off";
}

bool is_cut(const Arm& arm, Index frozen) {
  return is_plain_cut(arm) && arm.frozen_blocks() == frozen;
}

void rest_on(Verdict& verdict, const Difference& difference, bool up) {
  verdict.p_for = difference.level(up);
  verdict.p_against = difference.level(!up);
}

double of_looks(double least, std::size_t looks) {
  return std::min(1.0, least * static_cast<double>(std::max<std::size_t>(1, looks)));
}

void settle(std::vector<Verdict>& verdicts) {
  std::map<std::string, std::vector<Verdict*>> families;
  for (Verdict& v : verdicts) {
    if (v.ruling != Ruling::not_applicable) families[v.family].push_back(&v);
  }
  for (auto& [name, family] : families) {
    std::vector<double> p;
    for (const Verdict* v : family) p.push_back(std::min(v->p_for, v->p_against));
    const std::vector<double> adjusted = holm(p);
    for (std::size_t i = 0; i < family.size(); ++i) {
      Verdict& v = *family[i];
      v.p_holm = adjusted[i];
      v.family_size = family.size();
      v.ruling = !(v.p_holm < kFamilyLevel) ? Ruling::undecided
                 : v.p_for < v.p_against    ? Ruling::supported
                                            : Ruling::contradicted;
    }
  }
}

std::string points(const Difference& d) {
  const double p = d.seeds < 2 ? 1 : d.estimate.p();
  return fmt::format("{:+.1f} points ({:+.1f} to {:+.1f}, {} seeds, {})", 100 * d.mean, 100 * d.interval.low,
                     100 * d.interval.high, d.seeds, level_text(p));
}

std::vector<Verdict> judge_claim(const Plan::Experiment& experiment, const Outcomes& outcomes) {
  std::vector<Verdict> verdicts;
  const std::vector<ClaimGroup> groups = claim_groups(experiment, outcomes);
  if (experiment.claim == 4) judge_families(groups, verdicts);
  for (const ClaimGroup& group : groups) {
    const bool transfers = group.source != kRandomSource;
    if (experiment.claim == 1 && transfers) judge_labels(group, verdicts);
    if (experiment.claim == 2 && transfers) judge_depth(group, verdicts);
    if (experiment.claim == 3) judge_early(group, verdicts);
    if (experiment.claim == 5 && transfers) judge_adaptive(group, verdicts);
    if (experiment.claim == 6 && transfers) judge_regularisers(group, verdicts);
  }
  settle(verdicts);
  return verdicts;
}

}  // namespace firn::cli
