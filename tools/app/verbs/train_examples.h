// What the help of train and finetune begins with.
#pragma once

#include "tools/app/cli/arguments.h"

namespace firn::cli {

/// `finetune`: the examples of finetune.
void give_examples(Arguments& arguments, bool finetune);

}  // namespace firn::cli
