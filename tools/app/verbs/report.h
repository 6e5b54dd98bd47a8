// firn report: a run as a page.
#pragma once

#include "tools/app/cli/verb.h"

namespace firn::cli {

VerbPtr make_report();

}  // namespace firn::cli
