// firn weights: which published weights there are, where they are had, and whether a file is one of them.
#pragma once

#include "tools/app/cli/verb.h"

namespace firn::cli {

VerbPtr make_weights();

}  // namespace firn::cli
