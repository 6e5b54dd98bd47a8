#pragma once

#include "data/loader.h"
#include "engine/program/program.h"
#include "layers/model.h"

namespace firn {

/// Feeds a batch to a program; lengths only where the model has them.
void feed_batch(Program& program, const Model& model, const Batch& batch);

}  // namespace firn
