#pragma once

#include "layers/model.h"
#include "layers/task.h"

namespace firn {

/// What a model is for where nothing else is said: the classes of its output, or the next token where it
/// answers each step.
TaskPtr usual_task(const Model& model);

}  // namespace firn
