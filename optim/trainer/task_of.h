// The task that a set of data asks for.
#pragma once

#include "data/dataset.h"
#include "layers/task.h"

namespace firn {

/// The task that is named in `info`; else the usual one of its targets: classes, the next token where each
/// step has a label, numbers in the scale of the set, or several labels.
TaskPtr task_of(const DataInfo& info);

}  // namespace firn
