// firn explain: the program of a training step: what is computed, what is not, and why.
#pragma once

#include "tools/app/cli/verb.h"

namespace firn::cli {

VerbPtr make_explain();

}  // namespace firn::cli
