// firn watch: follows a training run from its files.
#pragma once

#include "tools/app/cli/verb.h"

namespace firn::cli {

VerbPtr make_watch();

}  // namespace firn::cli
