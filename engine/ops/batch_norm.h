#pragma once

#include "engine/graph/graph.h"

namespace firn {

/// Batch norm over the last dimension of x (...,C) with running statistics (Ioffe and Szegedy 2015):
/// y = (x - mean) / sqrt(variance + epsilon) * gamma + beta. All parameters are (C). Keeps x when gamma
/// trains, else nothing.
Value batch_norm_frozen(Graph& graph, Value x, Value gamma, Value beta, Value mean, Value variance,
                        real epsilon);

/// The same with the statistics of the batch. After the run, where given, `running_mean` and
/// `running_variance` are (1 - momentum) * running + momentum * batch, with the unbiased variance, as PyTorch
/// does it. Keeps x.
Value batch_norm_train(Graph& graph, Value x, Value gamma, Value beta, const ParameterPtr& running_mean,
                       const ParameterPtr& running_variance, real epsilon, real momentum);

}  // namespace firn
