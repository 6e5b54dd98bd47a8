// What a study says of a claim.
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

}  // namespace firn::cli
