// firn predict: a model's answers, sample by sample.
#pragma once

#include "tools/app/cli/verb.h"

namespace firn::cli {

VerbPtr make_predict();

}  // namespace firn::cli
