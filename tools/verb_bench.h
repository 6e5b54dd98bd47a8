#pragma once

#include "tools/verb.h"

namespace firn::cli {

/// `firn bench step`: milliseconds of training steps of the reference models.
VerbPtr make_bench();

}  // namespace firn::cli
