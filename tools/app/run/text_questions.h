// Texts that a model is asked about.
#pragma once

#include <string>
#include <vector>

#include "data/dataset.h"
#include "tools/app/run/recipe.h"

namespace firn::cli {

struct TextQuestions {
  DatasetPtr samples;
  std::string note;  ///< which tokens the weights do not know; empty: they know all
};

/// Texts as the weights of `recipe` read them. Throws Error(usage) where these read none, and Error(data) for
/// a text that is no UTF-8 or has no token, and for texts of several lengths where each step is answered.
TextQuestions text_questions(const Recipe& recipe, const std::vector<std::string>& texts);

}  // namespace firn::cli
