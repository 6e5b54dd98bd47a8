// What a dataset asks of a model.
#pragma once

#include "data/dataset.h"
#include "layers/model.h"

namespace firn::cli {

/// The input of a model for this data: its sample shape, its vocabulary with the padding token 0 for text,
/// and whether samples have different lengths.
InputSpec input_of(const DataInfo& info);

}  // namespace firn::cli
