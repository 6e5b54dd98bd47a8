// firn data: what a set of data is, or which sets there are.
#pragma once

#include "tools/app/cli/verb.h"

namespace firn::cli {

VerbPtr make_data();

}  // namespace firn::cli
