// What the rules of the six claims share.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "tools/app/study/verdict.h"

namespace firn::cli {

/// The outcomes of one experiment that differ in nothing but labels and freezing.
struct ClaimGroup {
  const Plan::Experiment* experiment = nullptr;
  const Outcomes* outcomes = nullptr;
  std::string model, source, target, part;
  std::vector<const Outcome*> arms;

  using Wanted = std::function<bool(const Arm&)>;
  /// The first that is wanted; null.
  const Outcome* first(const Wanted& wanted) const;
  std::vector<const Outcome*> every(const Wanted& wanted) const;
  /// Whether labels are counted by class.
  bool by_class() const { return arms.empty() || arms.front()->arm->by_class; }
  /// Label counts, all (0) last.
  std::vector<Index> labels() const;
  /// Of the same part of the target with new weights, and of another source, in the same experiment.
  const Outcome* elsewhere(const std::string& other_source, const Wanted& wanted) const;
  /// `family`: what the part is called whatever the model, source, labels and policy. Its kind is that.
  Verdict verdict(const std::string& part_of_claim, const std::string& family) const;
  /// The same of so many labels, of which the kind says whether they are the fewest or the most of the group;
  /// `policy` stands before it.
  Verdict verdict(const std::string& part_of_claim, const std::string& family, Index labels,
                  const std::string& policy = {}) const;
  Difference accuracy(const Outcome& a, const Outcome& b) const;
};

/// Groups by model, source and part of the target.
std::vector<ClaimGroup> claim_groups(const Plan::Experiment& experiment, const Outcomes& outcomes);

/// A frozen prefix of so many blocks from the first step on, by no other rule.
bool is_cut(const Arm& arm, Index frozen);
bool is_plain_cut(const Arm& arm);

/// Has the verdict rest on one difference, which is to be above zero (below, with `up` false).
void rest_on(Verdict& verdict, const Difference& difference, bool up);
/// The level on which one of `looks` hypotheses is told, of which the least has this one (Bonferroni).
double of_looks(double least, std::size_t looks);
/// "+1.2 points (0.4 to 2.0, 5 seeds, p = 0.012)"
std::string points(const Difference& difference);

void judge_labels(const ClaimGroup& group, std::vector<Verdict>& to);
void judge_depth(const ClaimGroup& group, std::vector<Verdict>& to);
void judge_early(const ClaimGroup& group, std::vector<Verdict>& to);
void judge_families(const std::vector<ClaimGroup>& groups, std::vector<Verdict>& to);
void judge_adaptive(const ClaimGroup& group, std::vector<Verdict>& to);
void judge_regularisers(const ClaimGroup& group, std::vector<Verdict>& to);

}  // namespace firn::cli
