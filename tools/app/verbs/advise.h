#pragma once

#include "tools/app/cli/verb.h"

namespace firn::cli {

/// `firn advise`: which blocks to freeze for a time, a memory or an accuracy.
VerbPtr make_advise();

}  // namespace firn::cli
