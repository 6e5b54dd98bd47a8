#pragma once

#include "tools/app/cli/verb.h"

namespace firn::cli {

/// `firn study`: what freezing the first blocks costs, saves, and does to accuracy.
VerbPtr make_study();

}  // namespace firn::cli
