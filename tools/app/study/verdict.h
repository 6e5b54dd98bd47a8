// What a study says of a claim.
#pragma once

#include <string>
#include <vector>

#include "tools/app/study/outcomes.h"

namespace firn::cli {

/// Errors that are at most this share more are as good; what moves them by less is no effect.
inline constexpr double kErrorMargin = 0.1;
/// Of a family of verdicts, all together.
inline constexpr double kFamilyLevel = 0.05;

enum class Ruling { supported, contradicted, undecided, not_applicable };
std::string ruling_name(Ruling ruling);

struct Verdict {
  std::string experiment;
  int claim = 0;
  std::string part;  ///< of the claim, in words
  std::string model, source, target;
  Ruling ruling = Ruling::undecided;
  std::string text;  ///< the evidence in a sentence
  /// The least levels on which it would be supported and contradicted; `settle` rules by them.
  double p_for = 1, p_against = 1;
  std::string family = {};  ///< those that are looked at together; filled in with the experiment's name
  double p_holm = 1;        ///< the lesser of both among the family
  std::size_t family_size = 0;
  std::vector<Difference> evidence;
  std::size_t rests = 0;  ///< which of the evidence speaks for it where sets are put together
  /// What the part is called whatever the set, its network and its number of labels: "few labels", "lp-ft:
  /// better, most labels"; empty where the number of labels is neither the least nor the most.
  std::string kind = {};
};

/// Rules on all of them: within each family on a level of 5 % for the whole of it (Holm 1979). What is not
/// applicable belongs to no family.
void settle(std::vector<Verdict>& verdicts);

}  // namespace firn::cli
