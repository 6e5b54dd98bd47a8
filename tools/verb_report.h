// firn report: a run as a page.
#pragma once

#include "tools/verb.h"

namespace firn::cli {

VerbPtr make_report();

}  // namespace firn::cli
