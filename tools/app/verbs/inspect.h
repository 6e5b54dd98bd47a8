// firn inspect: a model layer by layer, or what a weights file holds.
#pragma once

#include "tools/app/cli/verb.h"

namespace firn::cli {

VerbPtr make_inspect();

}  // namespace firn::cli
