// The gradients of a model held against differences of its loss.
#pragma once

#include "data/loader.h"
#include "engine/program/check_gradients.h"
#include "layers/training_graph.h"

namespace firn {

/// `check_gradients` of a training step on this batch, with what the model's own set freezes.
GradientCheck check_gradients(const Model& model, const Task& task, const Batch& batch, Index elements = 20,
                              double by = 1e-2);

}  // namespace firn
