// The claims of docs/study.md, held against what a study found.
#pragma once

#include <vector>

#include "tools/app/study/verdict.h"

namespace firn::cli {

/// A verdict for each part of the claim, model and source of one experiment, by fixed rules (verdicts_*.cpp);
/// none where the experiment lacks the arms that the claim speaks of.
std::vector<Verdict> judge_claim(const Plan::Experiment& experiment, const Outcomes& outcomes);

}  // namespace firn::cli
