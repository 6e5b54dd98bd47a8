#pragma once

#include "engine/graph/graph.h"

namespace firn {

/// y (...,C) = x * factor, which is (C). Keeps x where the factor trains.
Value multiply_row(Graph& graph, Value x, Value factor);

/// y (N,...,C) = x * factor, which is (N,C): each channel of a sample by a number of its own (Hu et al. 2018,
/// squeeze-and-excitation). Keeps both.
Value multiply_channels(Graph& graph, Value x, Value factor);

}  // namespace firn
