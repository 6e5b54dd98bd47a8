#pragma once

#include "tools/app/cli/verb.h"

namespace firn::cli {

/// `firn bench`: times training steps, kernels, the machine itself, and a peer beside it.
VerbPtr make_bench();

}  // namespace firn::cli
