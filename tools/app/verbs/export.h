// The verb export: a network for other programs.
#pragma once

#include "tools/app/cli/verb.h"

namespace firn::cli {

VerbPtr make_export();

}  // namespace firn::cli
