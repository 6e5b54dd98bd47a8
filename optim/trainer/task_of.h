// The task that a set of data asks for.
#pragma once

#include "data/dataset.h"
#include "layers/task.h"

namespace firn {

TaskPtr task_of(const DataInfo& info);

}  // namespace firn
