// firn train: trains a model on data.
#pragma once

#include "tools/app/cli/verb.h"

namespace firn::cli {

VerbPtr make_train();
/// firn finetune: the same with the defaults for weights that exist already.
VerbPtr make_finetune();

}  // namespace firn::cli
