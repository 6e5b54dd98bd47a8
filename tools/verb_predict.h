// firn predict: a model's answers, sample by sample.
#pragma once

#include "tools/verb.h"

namespace firn::cli {

VerbPtr make_predict();

}  // namespace firn::cli
