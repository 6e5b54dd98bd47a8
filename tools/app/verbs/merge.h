// firn merge: a whole weights file out of a checkpoint and its base.
#pragma once

#include "tools/app/cli/verb.h"

namespace firn::cli {

VerbPtr make_merge();

}  // namespace firn::cli
