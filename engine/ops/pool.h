#pragma once

#include "engine/graph/graph.h"

namespace firn {

struct PoolOptions {
  Index kernel_h = 2, kernel_w = 2;
  Index stride_h = 0, stride_w = 0;  ///< 0: as the kernel
  Index pad_h = 0, pad_w = 0;        ///< on both sides; at most half of the kernel
  bool ceil = false;  ///< round the output's size up (a window that would begin in the padding is left out)
  bool count_padding = true;  ///< average pooling: divide by the padded places too
  /// So much more below and to the right; less where negative. Not for averages that count the padding.
  Index more_h = 0, more_w = 0;
};

/// Greatest of each window of x (N,H,W,C); keeps one byte an output element.
Value max_pool(Graph& graph, Value x, const PoolOptions& options);
/// Mean of each window; keeps nothing.
Value average_pool(Graph& graph, Value x, const PoolOptions& options);
/// Mean of each of height x width windows that share the image of x (N,H,W,C) as evenly as they can: the i-th
/// has the rows from i*H/height, rounded down, to (i+1)*H/height, rounded up (PyTorch's AdaptiveAvgPool2d).
Value adaptive_average_pool(Graph& graph, Value x, Index height, Index width);
/// Mean over the image: (N,H,W,C) to (N,C).
Value global_average_pool(Graph& graph, Value x);
/// Greatest over time: (N,T,F) to (N,F). `lengths` (N), if given, says how many steps are valid; where x
/// comes from windows of `window` of them, the first lengths - window + 1 count (at least one does). Keeps
/// one index an output element.
Value max_over_time(Graph& graph, Value x, Value lengths = {}, Index window = 1);

}  // namespace firn
