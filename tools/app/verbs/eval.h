// firn eval: how well a model answers on data.
#pragma once

#include "tools/app/cli/verb.h"

namespace firn::cli {

VerbPtr make_eval();

}  // namespace firn::cli
