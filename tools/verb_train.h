// firn train: trains a model on data.
#pragma once

#include "tools/verb.h"

namespace firn::cli {

VerbPtr make_train();

}  // namespace firn::cli
