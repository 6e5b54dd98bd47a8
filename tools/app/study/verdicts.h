// The claims of docs/study.md, held against what a study found.
#pragma once

#include <string>
#include <vector>

#include "tools/app/study/outcomes.h"

namespace firn::cli {

enum class Ruling { supported, contradicted, undecided };
std::string ruling_name(Ruling ruling);

struct Verdict {
  std::string experiment;
  int claim = 0;
  std::string part;  ///< of the claim, in words
  std::string model, source, target;
  Ruling ruling = Ruling::undecided;
  std::string text;  ///< the evidence in a sentence
  std::vector<Difference> evidence;
};

/// A verdict for each part of the claim, model and source of one experiment, by fixed rules (verdicts_*.cpp);
/// none where the experiment lacks the arms that the claim speaks of.
std::vector<Verdict> judge_claim(const Plan::Experiment& experiment, const Outcomes& outcomes);

}  // namespace firn::cli
