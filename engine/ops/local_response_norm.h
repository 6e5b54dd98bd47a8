#pragma once

#include "engine/graph/graph.h"

namespace firn {

struct LocalResponseOptions {
  Index size = 5;  ///< channels that are summed over
  real alpha = real(1e-4), beta = real(0.75), k = 1;
};

/// y = x * s^-beta, s = k + alpha/size * the sum of x^2 over the channels from (size-1)/2 below to size/2
/// above, as far as they are there, over the last dimension (Krizhevsky et al. 2012). Keeps x.
Value local_response_norm(Graph& graph, Value x, const LocalResponseOptions& options);

}  // namespace firn
