// What a study can tell: how many seeds a point takes, and what its sets say together.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tools/app/study/pooling.h"
#include "tools/app/study/verdict.h"

namespace firn::cli {

/// Of an arm's difference in accuracy to full tuning.
struct ArmPower {
  const Outcome* arm = nullptr;
  Spread spread;
  Index items = 0;
  std::optional<Index> seeds_for_a_point;  ///< none: so few items tell none
};
/// Of all arms whose answers are kept.
std::vector<ArmPower> power_of(const Outcomes& outcomes);
/// "one point to full tuning is told with 9 seeds (median of 4 arms; 80 % power); 1 more arm needs more test
/// items"; empty where nothing is known.
std::string power_text(const std::vector<ArmPower>& arms);
/// The median of what the results of an earlier run say; where nothing is there that of seeds whose
/// differences deviate by one point.
Index seeds_for_a_point(Database* database);

/// A part of a claim over all targets: for one model and source, or for the first network of each target.
struct PooledVerdict {
  int claim = 0;
  std::string part, text;
  Pooled pooled;
};
/// Those that two targets at least have a verdict on, by the difference that it rests on. Behind those of one
/// model and source those of all: of each target the verdict that comes first, since its others are of the
/// same samples. What is that of one model and source alone does not stand there twice.
/// A difference that is the same in every seed (of a policy that never froze) has no error to be weighed by
/// and is left out.
std::vector<PooledVerdict> pooled_verdicts(const std::vector<Verdict>& verdicts);

}  // namespace firn::cli
