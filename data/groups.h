// Which samples show the same thing, so that no two parts share it: bursts of one scene, rows of one patient.
#pragma once

#include <string>
#include <vector>

#include "engine/base/real.h"

namespace firn {

struct Groups {
  std::vector<Index> of;  ///< the group of each sample, counted from 0; empty: each is its own
  std::string note;       ///< what was found; empty: nothing
};

/// Groups by `names`, one a sample, and `rule`:
/// - "name:PATTERN": by the longest beginning of the name that the pattern (as `glob_match` takes it)
/// matches:
///   "name:*_" is what stands before the last underscore, "name:*/" a folder within the class, "name:????"
///   four characters. A name of which no beginning matches is a group of its own;
/// - "column:NAME": the reader of a table gives that column's values as names, which are the groups;
/// - "none": no groups;
/// - "": bursts alone, where names leave little doubt: names that differ in their last number only, behind
///   another one, as in scene012_3.jpg, where no group is more than a tenth of the samples or a fifth of a
///   class, and every class has at least ten.
/// `labels` are the classes of the samples. Throws Error(usage) for another rule, and for one that wants
/// names where there are none.
Groups find_groups(const std::vector<std::string>& names, const std::vector<Index>& labels,
                   const std::string& rule);

/// The column that "column:NAME" names; empty for other rules.
std::string group_column(const std::string& rule);

}  // namespace firn
