// firn models: the catalogue of models, and the kinds of layers that a network's text may name.
#pragma once

#include "tools/app/cli/verb.h"

namespace firn::cli {

VerbPtr make_models();

}  // namespace firn::cli
