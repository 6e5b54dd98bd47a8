// What a study answers first: of all that was tried for a task, which is best, and what is told from it.
#pragma once

#include <string>
#include <vector>

#include "tools/app/study/outcomes.h"

namespace firn::cli {

/// The best choice for one model, part of a target, number of labels and budget, among all arms whatever
/// their source: scratch and full tuning with those that freeze. Arms from the source `self` alone are
/// controls where they have seen labels that the others have not, and stand aside while there are others.
struct Answer {
  std::vector<const Outcome*> arms;  ///< that were compared
  const Outcome* best = nullptr;
  const Outcome* other = nullptr;  ///< the best of the other kinds (scratch, full tuning, frozen); null: none
  Difference difference;           ///< of `best` to `other`
  double faster = 0;  ///< a step than one of full tuning from the same source, measured alone; of a policy
                      ///< the whole training; 0: not known
  std::string text;   ///< one line
};

/// In the order of the plan. The best is the one with the greatest mean accuracy on the validation part
/// (ties: the earlier arm; without such a part on the test part), and so is the nearest of each kind; what is
/// said of them is of the test part. Arms are told apart where the paired interval leaves zero, at a level
/// raised by Bonferroni's rule for all that are held against the best.
std::vector<Answer> answers(const Plan& plan, const Outcomes& outcomes);

}  // namespace firn::cli
