// firn doctor: what this machine and this build have, and whether they work.
#pragma once

#include "tools/app/cli/verb.h"

namespace firn::cli {

VerbPtr make_doctor();

}  // namespace firn::cli
